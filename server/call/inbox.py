"""Inbox: what the caller's client tells the call: its messages and the keys of its telephone.

A client may send anything, as fast as its network carries it. So each kind of work that it can cause has a limit here:
reading, answering, asking the agent, and counting. What is over a limit is dropped. The client is told, but not more
often than `ERRORS_A_SECOND`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from server.call import agent_messages, messages
from server.call.control import Control
from server.call.dialogue import Present
from server.call.ears.keyboard import Keyboard
from server.call.floor import State
from server.call.host import Host
from server.call.message import ref_of
from server.call.mind.brought import Brought
from server.call.watch import Watch
from server.errors import PeerError, TooMany
from server.media.frame import SILENCE, Frame
from server.pace import Pace

MESSAGES_A_SECOND = 50
"""How many messages and keys are taken each second. The page sends about ten: how far it has played, and a ping."""
MESSAGES_AT_ONCE = 100
"""How many are taken at once after a rest. They may come late together, when the network has stood still."""
NOTES_A_SECOND = 1
NOTES_AT_ONCE = 100
"""How many notes for the history are taken. A client may bring an older conversation; the record keeps all of them."""
MAX_NOTES_CHARS = 500_000
"""How many characters the notes of one call may have together. Models read less, and the record is kept in memory."""
ERRORS_A_SECOND = 1
ERRORS_AT_ONCE = 5
"""How many refused messages the client is told of. The others are only counted, for the log."""
ASKED_A_SECOND = 0.5
ASKED_AT_ONCE = 4
"""How often the model may be asked beside the talk: each request costs money."""
WAIT_S = 1
"""What a client that is too fast is told to wait."""

log = logging.getLogger(__name__)


class Inbox:
    """The inbox of one call. It outlives the connections, and so its limits hold for all of them together."""

    def __init__(
        self,
        host: Host,
        present: Present,
        watch: Watch,
        control: Control,
        brought: Brought,
        observe: Callable[[messages.ClientMessage], object],
    ) -> None:
        """`present` gives the dialogue, `control` takes keys and lines to say, and `brought` what the client brings.
        `observe` is shown each message that counts."""
        self._host = host
        self._present = present
        self._watch = watch
        self._observe = observe
        self._now = asyncio.get_running_loop().time
        self._control = control
        self._keys = control.keys
        self._brought = brought
        self._keyboard = Keyboard()
        self._taking = Pace(MESSAGES_A_SECOND, MESSAGES_AT_ONCE)
        self._noting = Pace(NOTES_A_SECOND, NOTES_AT_ONCE)
        self._telling = Pace(ERRORS_A_SECOND, ERRORS_AT_ONCE)
        self._asking = Pace(ASKED_A_SECOND, ASKED_AT_ONCE)
        self._noted_chars = 0
        self._refused = 0
        """How many messages were dropped because they are not valid, or because they were too many."""
        self._reported = 0
        """The newest reply whose gap the client has reported."""

    def receive_text(self, text: str | bytes) -> None:
        """Take a message as it came. What is too fast or breaks the protocol is dropped, and answered with an error."""
        with self._refusing(text):
            self._admit()
            self._carry_out(messages.parse_client(text))

    def press(self, key: str) -> None:
        """The caller presses a key of the telephone. A number that is keyed in counts as typed words."""
        with self._refusing():
            self._admit()
            self._press(key)

    def pass_frame(self) -> None:
        """20 ms have passed. The agent is asked what was typed, if its time has come."""
        with self._refusing():
            if self._keys.collecting:
                self._watch.caller_is_there()
            self._type(self._keys.pass_frame())

    @property
    def typed(self) -> str:
        """What the caller has typed and the agent has not been asked yet."""
        return self._keyboard.words

    @property
    def muted(self) -> bool:
        """The agent hears nothing of the caller: an operator wants it so, or the client."""
        return self._control.muted or self._brought.muted

    def heard(self, frame: Frame) -> Frame:
        """The caller's next 20 ms as the agent hears them."""
        return replace(frame, pcm=SILENCE) if self.muted else self._keys.heard(frame)

    def close(self) -> None:
        """The call is over: write to the log what was dropped in it."""
        if self._refused:
            log.info("x call %s: %d messages of the client were not taken", self._host.id, self._refused)

    def _carry_out(self, message: messages.ClientMessage) -> None:
        """Do what the client asks for. Raises PeerError if it cannot be done, and TooMany if it is too much."""
        if isinstance(message, messages.Heard) and not self._is_news(message):
            return
        if isinstance(message, messages.Text) and self._keys.type(message.text):
            return  # and nobody is shown it
        self._observe(message)
        match message:
            case messages.Text(text=text):
                self._type(text)
            case messages.Dtmf(digit=digit):
                self._press(digit)
            case messages.Played(reply=reply, ms=ms):
                self._present().delivery.mouth.note_played(reply, ms)
            case messages.Heard(reply=reply, gap_ms=gap_ms):
                log.info("> call %s heard answer %d after %.0f ms", self._host.id, reply, gap_ms)
            case messages.Interrupt():
                self._keyboard.clear()
                self._watch.caller_is_there()
                if not self._keys.stop_asking():
                    self._present().stop()
            case messages.HangUp():
                self._host.end("caller")
            case messages.Transferred(ok=ok, reason=reason):
                self._host.transferred(ok, reason)
            case messages.Ping(t=t):
                self._host.send(messages.Pong(t=t))
            case messages.Pong():
                pass
            case messages.Start():
                raise PeerError("The call has begun already.")
            case _:
                self._tell_agent(message)

    def _tell_agent(self, message: agent_messages.ToAgent) -> None:
        """Do what the client asks of the agent. Raises as `_carry_out`."""
        match message:
            case agent_messages.ToolResult():
                self._brought.calls.answer(message)
            case agent_messages.Update():
                self._update(message)
            case agent_messages.Note():
                self._note(message)
            case agent_messages.Respond(instructions=instructions):
                self._watch.caller_is_there()
                if instructions:
                    self._brought.check("instructions")
                self._present().unasked.respond(instructions)
            case agent_messages.Say(text=text):
                self._watch.caller_is_there()
                self._brought.check("lines to say")
                self._control.say(text)
            case agent_messages.Mute(on=on):
                self._brought.muted = on
            case agent_messages.Ask():
                if not self._asking.admits(self._now()):
                    raise TooMany("Questions come too fast, and the last ones are lost.", WAIT_S)
                self._present().ask_beside(message)
            case agent_messages.Commit():
                self._commit()
            case agent_messages.Clear():
                if (present := self._present().utterances.present) is not None:
                    self._present().on_no_words(present.number)

    def _admit(self) -> None:
        """Raises TooMany if this message is one too many."""
        if not self._taking.admits(self._now()):
            raise TooMany("Messages come too fast, and some of them are lost.", WAIT_S)

    def _press(self, key: str) -> None:
        self._watch.caller_is_there()
        self._type(self._keys.press(key))

    def _type(self, text: str) -> None:
        """Ask the agent `text`, with all that was typed before, or let it wait. Raises TooMany if there is no room."""
        if text and not self._keyboard.type(text):
            raise TooMany("Typed words come too fast, and the last ones are lost.", WAIT_S)
        if prompt := self._keyboard.prompt(self._now()):
            self._present().type(prompt)

    def _update(self, update: agent_messages.Update) -> None:
        """Change the client's choices. Raises PeerError, and then nothing has changed."""
        dialogue = self._present()
        self._brought.update(update, dialogue.language)
        if "patience" in update.changes:
            dialogue.hearing.judge_by(self._brought.settings)

    def _note(self, note: agent_messages.Note) -> None:
        """Put something into the history. Raises PeerError and TooMany."""
        self._watch.caller_is_there()
        if note.role != "user":
            self._brought.check(f"notes of the {note.role}")
        if self._noted_chars + len(note.text) > MAX_NOTES_CHARS:
            raise PeerError(f"The notes of a call may have at most {MAX_NOTES_CHARS} characters together.")
        if not self._noting.admits(self._now()):
            raise TooMany("Notes come too fast, and the last ones are lost.", WAIT_S)
        self._noted_chars += len(note.text)
        if self._present().state is not State.CLOSED:
            self._present().delivery.note(note)

    def _commit(self) -> None:
        """The caller is done. This is decided at the next frame, which need not come from the client any more."""
        self._watch.caller_is_there()
        dialogue = self._present()
        if dialogue.utterances.commit():
            dialogue.hear(Frame(SILENCE, start_samples=0))
        else:
            number = dialogue.utterances.number()
            self._host.send(messages.Transcription(utterance=number, text="", final=True))

    def _is_news(self, heard: messages.Heard) -> bool:
        """Whether the caller can have heard this reply, and its gap was not reported before."""
        if not self._reported < heard.reply <= self._present().delivery.newest_heard:
            return False
        self._reported = heard.reply
        return True

    @contextmanager
    def _refusing(self, text: str | bytes = "") -> Iterator[None]:
        """Drop what is refused, and tell the client, if it was not told too often. A client that has given the message
        `text` a name waits for what becomes of it, and is always told."""
        try:
            yield
        except (PeerError, TooMany) as refusal:
            self._refused += 1
            ref = ref_of(text)
            if ref or self._telling.admits(self._now()):
                self._host.send(messages.Error(code=refusal.code, message=refusal.sentence, ref=ref))
