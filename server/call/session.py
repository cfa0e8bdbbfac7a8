"""Session: one conversation with one caller. It outlives its connections.

The session owns the tasks and the record of the call, its dialogue, and the connection that it has at present. Every
20 ms the connection brings the caller's sound to `hear` and takes the agent's sound from `next_frame`. Neither of them
waits, so a frame is decided on in the same step of the loop in which it came. When the connection is lost, the session
waits for another one. No time passes in the conversation meanwhile: the model and the tools go on, but the reply stays
where the caller heard it last.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from server.agent.hooks import EndReason
from server.agent.passing_on import PassingOn
from server.call import messages
from server.call.absence import Absence
from server.call.attachment import Attachment, Connection
from server.call.budget import Budget
from server.call.control import Control
from server.call.dialogue import Dialogue
from server.call.ending import Ending
from server.call.hold import Hold
from server.call.hooks import Hooks
from server.call.inbox import Inbox
from server.call.metered import metered
from server.call.mind.lasting import lasting
from server.call.resume_token import ResumeToken
from server.call.setup import CallSetup
from server.call.soundtrack import Recorder, Soundtrack
from server.call.switchboard import Switchboard
from server.call.tasks import Tasks
from server.call.watch import Watch
from server.errors import EngineError
from server.logs import OfCall
from server.media.frame import Frame
from server.record.conversation import Exchange
from server.record.figures import LineFigures
from server.record.minutes import Minutes

Observed = messages.ServerMessage | messages.ClientMessage | EngineError | LineFigures
"""What an observer of a call sees: messages of both sides, errors of engines, and the line during each exchange."""

log = logging.getLogger(__name__)


class Session:
    """One conversation with one caller."""

    def __init__(
        self,
        minutes: Minutes,
        setup: CallSetup,
        recorder: Recorder | None = None,
        observe: Callable[[Observed], object] = lambda observed: None,
    ) -> None:
        """Goes on where the record in `minutes` stands; a new call has an empty record.

        `observe` is given everything that is `Observed` in the call. It must not wait.
        """
        record = minutes.record
        self.id, self.log_context = record.id, OfCall(record.id, record.traceparent)
        self.token = ResumeToken([record.token_hash] if record.token_hash else [], setup.caller.name)
        self.over = asyncio.Event()
        """Set when everything that the call started has ended."""
        self.caller, self._minutes, settings = setup.caller, minutes, setup.settings
        self.absence = Absence(settings.resume_s, lambda: self.end("lost"))
        self._budget = Budget(settings.budget, record.standing.used, settings.longest_call_min, setup.caller.max_s)
        self.attachment = Attachment(self.token)
        self._lasting = lasting(self, setup, minutes, self.attachment)
        self._observe = observe = self._lasting.measured.before(observe)
        self.dialogue = self._dialogue(setup)
        self.control = Control(setup, minutes, lambda: self.dialogue, self.attachment, self.leave)
        """What operators and the agent's tools may do in the call."""
        self._soundtrack = Soundtrack(recorder, self.control.listeners)
        self._tasks = Tasks(self.id, self._on_fault)
        self._is_new = record.token_hash is None  # no server has held the call before
        self.hooks = Hooks(setup, self.id, observe)
        self._ending = Ending(minutes, lambda: self.dialogue, self.hooks, setup.trace)
        self.abandon = self._ending.abandon
        self._watch = Watch(self, setup, lambda: self.dialogue, self._budget, self.leave)
        ends, present = lambda: self.end("idle"), lambda: self.dialogue
        self.hold = Hold(settings.hold_s, self.attachment, self._soundtrack, self._watch, present, ends)
        self._inbox = Inbox(self, present, self._watch, self.control, self._lasting.brought, observe)
        self.switchboard = Switchboard(self, setup, minutes, self.control, self._ending)

    # The life of the call

    async def run(self) -> None:
        """Hold the call until it ends. When this returns, everything that the call started has ended."""
        try:
            async with self._tasks.run():
                self._begin()
                await self._ending.come.wait()
                self.dialogue.utterances.owe(self._inbox.typed)
                self.switchboard.close()
                self._lasting.end_soon()
                self.control.close()
                self._ending.write()  # now, and not below: the caller may be back before a slow tool stops
        finally:
            self._stop_waiting()
            self.attachment.close()
            self._soundtrack.close()
            self._inbox.close()
            self.control.close()
            if self.ended:
                self._ending.write()
            self._ending.close()
            self.over.set()

    def attach(self, connection: Connection) -> None:
        """Go on with the conversation on `connection`. The connection before it is told so, and closed."""
        resumed = self._tasks.running or self._minutes.record.begun
        if (before := self.attachment.connection) is not None:
            self.hold.take_back_unheard(before)
        self._stop_waiting()
        token = self.attachment.take(connection)
        self._minutes.connected(self.token.hashes[-1])
        self.send(
            messages.Hello(
                session_id=self.id, agent=self.switchboard.present.agent.name, resume=token, resumed=resumed,
                audio=connection.audio, recorded=self._soundtrack.kept,
            )
        )  # fmt: skip
        self._lasting.brought.connected()
        if self._tasks.running:
            log.info("- call %s is resumed", self.id)
            self._watch.caller_is_there()
            self.dialogue.resume()

    def expect_another(self) -> None:
        """A client is about to take the call to another connection. Raises TooMany if that happens too often."""
        self.attachment.expect(asyncio.get_running_loop().time())

    def detach(self, connection: Connection, for_good: bool = False) -> None:
        """`connection` is lost. Wait for another one, for the time that the settings give.

        `for_good`: the client has closed it, because the caller hangs up. Then the call ends.
        """
        if connection is not self.attachment.connection:
            return
        self.hold.take_back_unheard(connection)
        self.attachment.leave()
        if for_good or self.ended or self.dialogue.leaving or not self.absence.allowed:
            self.end("caller" if for_good else "lost")
            return
        log.info("- call %s has lost its connection, and waits", self.id)
        self.absence.begin()

    def move(self, goes_on: bool = True) -> None:
        """End here and tell the client to connect again. The call goes on at the server that the client reaches.

        Unless it `goes_on`: then no other server knows it.
        """
        self.send(messages.Reconnect())
        self._ending.move(goes_on)

    def yield_elsewhere(self) -> None:
        """End here and write nothing: another server has the conversation now, or it was deleted."""
        self.send(messages.Error(code="superseded", message="The call goes on elsewhere.", final=True))
        self._ending.yield_elsewhere()

    def end(self, reason: EndReason = "agent") -> None:
        """End the call for good. A second call of this does nothing."""
        self._ending.for_good(reason)

    @property
    def ended(self) -> bool:
        """The call has ended. It is `over` when everything that it started has ended, too, such as a tool."""
        return self._ending.come.is_set()

    def leave(self) -> None:
        """Say the agent's goodbye, and end the call when the caller has heard it. Without a connection, end at once."""
        if self.attachment.connection is None:
            self.end()
        else:
            self.dialogue.unasked.leave()

    # What the connection calls

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms. Sound that comes before the call runs is dropped."""
        if not self._tasks.running:
            return
        self._soundtrack.hear(self.control.keys.recorded(frame))
        self.dialogue.hear(self._inbox.heard(frame))

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear: 24 kHz PCM, or None in silence. Called every 20 ms."""
        self.switchboard.pass_frame()
        frame = self.dialogue.next_frame()
        self.dialogue.ears.echo.say(self._soundtrack.pass_frame(frame))  # it may come back as echo
        self._inbox.pass_frame()
        if self._inbox.muted or self.switchboard.transferring:
            self._watch.caller_is_there()
        self._watch.pass_frame()
        return frame

    def frame_ahead(self) -> bytes | None:
        """One more frame of the reply, before its time, for a client that keeps a buffer. No time passes by it."""
        frame = self.dialogue.delivery.frame_ahead()
        if frame is not None:
            self._soundtrack.leave_ahead(frame)
        return frame

    @property
    def speaking(self) -> int | None:
        """The number of the reply that `next_frame` gives."""
        return self.dialogue.delivery.speaking

    @property
    def silent(self) -> bool:
        """The caller has not said or typed anything in this conversation yet."""
        return self.dialogue.standing.utterance == 0

    @property
    def working(self) -> bool:
        """A reply is being made, or a tool runs for it."""
        return self.dialogue.working

    def digit(self, key: str) -> None:
        """The caller presses a key of the telephone. A number that is keyed in counts as typed words."""
        if self._tasks.running:
            self._inbox.press(key)

    def receive_text(self, text: str | bytes) -> None:
        """Take a message of the client, as it came. Messages that come before the call runs are dropped."""
        if self._tasks.running:
            self.token.confirm()
            self._inbox.receive_text(text)

    # What the dialogue calls: the session is its Host

    @property
    def unheard_ms(self) -> float:
        return self.attachment.unheard_ms

    def send(self, message: messages.ServerMessage) -> None:
        if isinstance(message, messages.Interrupted):
            self._soundtrack.drop_ahead()
        self._observe(message)
        self.control.audience.tell(message)
        self.attachment.send(message)

    def hurry(self) -> None:
        self.attachment.hurry()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        return self._tasks.start(work, name)

    def answered(self, encouraging: bool = False, spoken: bool = False) -> bool:
        if taken := self.control.keys.on_words(encouraging, spoken):
            self._watch.words_are_answered()
        return taken

    def exchanged(self, exchange: Exchange) -> None:
        self.hooks.exchanged(exchange)

    def failed(self, failure: EngineError) -> None:
        self._observe(failure)

    async def pass_on(self, wish: PassingOn) -> str:
        return await self.switchboard.prepare(wish)

    def transferred(self, ok: bool, reason: str) -> None:
        if self.switchboard.transferred(ok, reason):
            self.end("transferred")

    def go_on(self, setup: CallSetup) -> None:
        """Begin another dialogue, because the agent of `setup` goes on with the call where the record stands."""
        self.dialogue = self._dialogue(setup)

    # Steps of the methods above

    def _dialogue(self, setup: CallSetup) -> Dialogue:
        setup = replace(setup, engines=metered(setup.engines, self.id, self._budget, self._lasting.measured.serve))
        return Dialogue(self, setup, self._minutes.record.standing, self._budget, self._lasting)

    def _begin(self) -> None:
        if self._is_new:
            self.hooks.begin()
        if self._minutes.record.begun:
            log.info("- call %s is resumed from its record", self.id)
            self.dialogue.resume()
            return
        self.dialogue.unasked.say(self.dialogue.language.greeting, "The call begins.")
        self.dialogue.show_state()

    def _stop_waiting(self) -> None:
        """A connection has come, or the call has ended."""
        self.hold.finish()
        if (away_ms := self.absence.finish()) > 0:
            self._soundtrack.skip(away_ms)

    def _on_fault(self) -> None:
        """A fault of the server in one task makes the agent apologise. It does not end the call."""
        self.dialogue.fail(EngineError("server", "Something went wrong in the server."))
