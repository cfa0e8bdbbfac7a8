"""Session: one conversation. Owns the history, the tasks and the record of a call, and outlives its connections.

What the caller says comes in through `hear`, what the agent says goes out through `next_frame`, 20 ms at a time; both
are called by the connection and never wait, so from microphone to decision is one step of the loop. While there is no
connection no time passes in the conversation: tools and the model go on, the answer waits where it was heard last.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from server.call import messages
from server.call.attachment import Attachment, Connection
from server.call.dialogue import Dialogue
from server.call.ears.keypad import Keypad
from server.call.resume_token import ResumeToken
from server.call.setup import CallSetup
from server.call.turns.idleness import Idle, Idleness
from server.errors import EngineError
from server.media.frame import Frame
from server.record.minutes import Minutes

Observed = messages.ServerMessage | messages.ClientMessage | EngineError
"""What is told in a call, by either side, and what went wrong in it."""

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Keeps the sound of a call. Nothing here waits or raises."""

    def heard(self, frame: Frame) -> None: ...
    def spoken(self, pcm: bytes | None) -> None: ...
    def skip(self, ms: int) -> None:
        """So long there was no connection."""

    def close(self) -> None: ...


class Session:
    """One conversation with one caller."""

    def __init__(
        self,
        minutes: Minutes,
        setup: CallSetup,
        recorder: Recorder | None = None,
        observe: Callable[[Observed], object] = lambda observed: None,
    ) -> None:
        """Goes on with what `minutes` has written down; a new call has an empty record.

        `observe` is shown all that is told in the call; it never waits.
        """
        record = minutes.record
        self.id = record.id
        self.token = ResumeToken([record.token_hash] if record.token_hash else [])
        self.over = asyncio.Event()
        """Set when everything that the call started has ended."""
        self.detached_s: float | None = None
        """Since when, by the loop's clock, the call waits for a connection."""
        self._agent = setup.agent
        self._settings = setup.settings
        self._minutes = minutes
        self._recorder = recorder
        self._observe = observe
        self._now = asyncio.get_running_loop().time
        self.dialogue = Dialogue(self, setup, minutes)
        self._attachment = Attachment(self.token)
        self._waiting: asyncio.TimerHandle | None = None
        """Ends the call when no connection comes."""
        self._group: asyncio.TaskGroup | None = None
        self._ended = asyncio.Event()
        self._sign_off: Callable[[], None] = minutes.ended
        """What is written down at the end."""
        self._keypad = Keypad()
        self._idleness = Idleness(setup.settings.idle_prompt_s, setup.settings.idle_prompts)
        self._ahead: deque[bytes] = deque()
        """Frames that were given before their time, as many as a connection's buffer has."""

    async def run(self) -> None:
        """Hold the call until it ends; everything that it started has ended when this returns."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._begin()
                await self._ended.wait()
                self.dialogue.close()
                self._write_end()  # now: a tool may take its time to let go, and the caller come back meanwhile
        finally:
            self._group = None
            self._stop_waiting()
            self._attachment.close()
            if self._recorder is not None:
                self._recorder.close()
            if self._ended.is_set():
                self._write_end()
            self.over.set()

    def attach(self, connection: Connection) -> None:
        """Go on with the conversation on `connection`; the one before is told and released."""
        resumed = self._group is not None or self._minutes.record.begun
        if (before := self._attachment.connection) is not None:
            self._lose(before)
        self._stop_waiting()
        token = self._attachment.take(connection)
        self._minutes.connected(self.token.hashes[-1])
        self.send(
            messages.Hello(
                session_id=self.id, agent=self._agent.name, resume=token, resumed=resumed, audio=connection.audio
            )
        )
        if self._group is not None:
            log.info("- call %s is resumed", self.id)
            self._resume()

    def detach(self, connection: Connection) -> None:
        """`connection` is lost: wait for another one, for a set time."""
        if connection is not self._attachment.connection:
            return
        self._lose(connection)
        self._attachment.leave()
        if self.dialogue.leaving or not self._settings.resume_s:
            self.end()
            return
        log.info("- call %s has lost its connection, and waits", self.id)
        self.detached_s = self._now()
        self._waiting = asyncio.get_running_loop().call_later(self._settings.resume_s, self.end)

    def move(self) -> None:
        """This server goes: the client shall resume on another, or on this one when it is back."""
        self.send(messages.Reconnect())
        self._sign_off = lambda: self._minutes.left(self.dialogue.standing)
        self.end()

    def yield_elsewhere(self) -> None:
        """The conversation goes on at another server, or was deleted: nothing more of it is ours."""
        self.send(messages.Error(code="superseded", message="The call goes on elsewhere.", final=True))
        self._sign_off = lambda: None
        self.end()

    def end(self) -> None:
        """The call is over; idempotent."""
        self._ended.set()

    def leave(self) -> None:
        """Say the agent's goodbye; the call ends when it was heard, or at once when nobody is there."""
        if self._attachment.connection is None:
            self.end()
        else:
            self.dialogue.leave()

    # What the connection calls

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms. What comes before the call runs is not heard."""
        if self._group is None:
            return
        if self._recorder is not None:
            self._recorder.heard(frame)
        self.dialogue.hear(frame)

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear: 24 kHz PCM, or None in silence. Called every 20 ms."""
        frame = self.dialogue.next_frame()
        if frame is not None:
            self._ahead.append(frame)
        audible = self._ahead.popleft() if self._ahead else None
        self.dialogue.ears.echo.say(audible)  # it may come back as echo
        if self._recorder is not None:
            self._recorder.spoken(audible)
        if number := self._keypad.pass_frame():
            self.dialogue.type(number)
        self._mind_idleness()
        return frame

    def frame_ahead(self) -> bytes | None:
        """One more frame of what is being said, before its time, for a client that keeps a buffer."""
        frame = self.dialogue.delivery.frame_ahead()
        if frame is not None:
            self._ahead.append(frame)
        return frame

    @property
    def speaking(self) -> int | None:
        """The number of the answer that `next_frame` gives."""
        return self.dialogue.delivery.speaking

    @property
    def working(self) -> bool:
        """An answer is being made, or a tool runs for it."""
        return self.dialogue.working

    def digit(self, key: str) -> None:
        """The caller presses a key of the telephone: what they key in is as if they had typed it."""
        if self._group is not None and (number := self._keypad.press(key)):
            self.dialogue.type(number)

    def receive(self, message: messages.ClientMessage) -> None:
        """What the client tells; nothing before the call runs."""
        if self._group is None:
            return
        self.token.confirm()
        self._observe(message)
        match message:
            case messages.Text(text=text):
                self.dialogue.type(text)
            case messages.Played(reply=reply, ms=ms):
                self.dialogue.delivery.mouth.note_played(reply, ms)
            case messages.Heard(reply=reply, gap_ms=gap_ms):
                log.info("> call %s heard answer %d after %.0f ms", self.id, reply, gap_ms)
            case messages.Interrupt():
                self.dialogue.stop()
            case messages.HangUp():
                self.end()
            case messages.Ping(t=t):
                self.send(messages.Pong(t=t))
            case messages.Pong():
                pass
            case messages.Start():
                self.send(messages.Error(code="bad_request", message="The call has begun already."))

    # What the dialogue calls

    @property
    def unheard_ms(self) -> float:
        return self._attachment.unheard_ms

    def send(self, message: messages.ServerMessage) -> None:
        if isinstance(message, messages.Interrupted):
            self._ahead.clear()
        self._observe(message)
        self._attachment.send(message)

    def hurry(self) -> None:
        self._attachment.hurry()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        assert self._group is not None, "because nothing happens before the call runs"
        return self._group.create_task(self._guard(work), name=f"{self.id}-{name}")

    def answered(self) -> None:
        self._idleness.restart()

    def failed(self, failure: EngineError) -> None:
        self._observe(failure)

    # Steps

    def _begin(self) -> None:
        if self._minutes.record.begun:
            log.info("- call %s is resumed from its record", self.id)
            self._resume()
            return
        if self._agent.greeting:
            self.dialogue.say(self._agent.greeting, "The call begins.")
        self.dialogue.show_state()

    def _resume(self) -> None:
        self._idleness.restart()
        self.dialogue.resume()

    def _lose(self, connection: Connection) -> None:
        self._ahead.clear()
        self.dialogue.delivery.lose(connection.unheard_ms)

    def _write_end(self) -> None:
        """Once."""
        sign_off, self._sign_off = self._sign_off, lambda: None
        sign_off()

    def _stop_waiting(self) -> None:
        if self.detached_s is not None and self._recorder is not None:
            self._recorder.skip(round((self._now() - self.detached_s) * 1000))
        self.detached_s = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _mind_idleness(self) -> None:
        """A caller who says nothing is asked, then asked again, then the call ends."""
        match self._idleness.pass_frame(quiet=self.dialogue.quiet):
            case Idle.ASK:
                self.dialogue.say(self._agent.still_there, "The caller has been silent for a while.")
            case Idle.LEAVE:
                self.leave()

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A fault of ours in one task is an apology, not the end of the call."""
        try:
            await work()
        except Exception:
            log.exception("x fault in call %s", self.id)
            self.dialogue.fail(EngineError("server", "Something went wrong in the server."))
