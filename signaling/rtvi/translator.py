"""Rtvi: lets a client of Pipecat (RTVI 2.x) speak with a session of ours, on a data channel or in binary frames."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from server.call.agent_messages import ToolResult
from server.call.line.translator import Read
from server.call.messages import Error, Interrupt, ServerMessage, State, Text
from server.errors import PeerError
from signaling.rtvi.envelope import PEER_LEFT, VERSION, Envelope, is_ping, is_rtvi, read_envelope, write_envelope
from signaling.rtvi.frames import Interruption, Message, Sound, message_frame, read_frame, sound_frame
from signaling.rtvi.saying import said
from signaling.rtvi.spoken import Told
from signaling.rtvi.telling import Telling

MAX_HELD = 256
"""How many messages wait until the client is ready, in less than a second. With more the oldest are dropped, except
the first one: by `session` a page can resume the call."""
HEARD_RATE: Literal[16_000] = 16_000
"""The rate in Hz at which Pipecat's WebSocket transport records."""
SPOKEN_RATE: Literal[24_000] = 24_000
"""The rate in Hz at which it plays, whatever the frames say."""
_CAPABILITIES = {
    "audio_in": True, "audio_out": True, "video_in": False, "screen_in": False, "video_out": False, "metrics": True,
}  # fmt: skip
_OLD, _PRESENT = "1", "2"
"""The first numbers of the versions of clients that are understood."""

Timestamp = Callable[[], str]
"""Gives the present time in the form of ISO 8601."""


def recognize(timestamp: Timestamp, first: str | bytes) -> "Rtvi | None":
    """The translator for a client whose first message on a data channel is of RTVI; None for another client."""
    return Rtvi(timestamp) if is_rtvi(first) else None


class Rtvi:
    """A client on a data channel. Its sound does not pass here."""

    def __init__(self, timestamp: Timestamp) -> None:
        self._telling = Telling(timestamp)
        self._ready = False
        self._old = False
        self._held: list[Told] = []
        """What the client will be told when it is ready."""

    def read(self, item: str | bytes) -> Read:
        try:
            envelope = read_envelope(item)
        except PeerError as error:
            return Read(answers=[write_envelope("error", _error(error.sentence))])
        if envelope is None:
            return Read(answers=self._go_on() if is_ping(item) else ())
        if envelope.type == "client-ready":
            return Read(answers=self._greet(envelope))
        try:
            messages = said(envelope)
        except PeerError as error:
            return Read(answers=[write_envelope("error-response", {"error": error.sentence}, envelope.id)])
        told, answers = [], self._received(envelope)
        for message in messages:
            if isinstance(message, Text):
                self._telling.type(message.text)
            elif isinstance(message, ToolResult):
                stopped = [write_envelope(*each) for each in self._telling.finish(message.id, message.output)]
                if not stopped:
                    continue  # a page may have a handler for a tool that the agent has run itself
                answers += stopped
            told.append(message.to_json())
        return Read(told, answers)

    def write(self, message: ServerMessage) -> Sequence[str]:
        told = list(self._telling.tell(message))
        if isinstance(message, State) and message.state == "closed":
            return [*self._written(told), PEER_LEFT]
        if self._ready or isinstance(message, Error):
            return self._written(told)
        held = [*self._held, *told]
        self._held = held if len(held) <= MAX_HELD else [held[0], *held[1 - MAX_HELD :]]
        return []

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        return []

    def _go_on(self) -> list[str]:
        """The client takes messages from now on. The agent may speak already: it is told now what it has missed."""
        held, self._held, self._ready = self._held, [], True
        return self._written(held)

    def _written(self, told: Iterable[Told]) -> list[str]:
        """The messages, as this client understands them."""
        forms = (_as_before(*each) if self._old else each for each in told)
        return [write_envelope(*each) for each in forms if each is not None]

    def _greet(self, ready: Envelope) -> list[str]:
        """Answer `client-ready`. On a later connection of its call a client sends none, and only pings."""
        spoken = str(ready.data.get("version", VERSION))[:20]
        major = spoken.partition(".")[0]
        self._old = major == _OLD
        held = self._go_on()
        about = {"version": VERSION, "about": {"library": "antiphon"}, "capabilities": _CAPABILITIES}
        answers = [write_envelope("bot-ready", about, ready.id), *held]
        if major not in (_OLD, _PRESENT):
            sentence = f"This server speaks RTVI {VERSION}; version {spoken} of the client may differ."
            answers.append(write_envelope("error-response", {"error": sentence}, ready.id))
        return answers

    def _received(self, envelope: Envelope) -> list[str]:
        """A `client-message` is answered: it was taken."""
        if envelope.type != "client-message":
            return []
        return [write_envelope("server-response", {"t": envelope.data.get("t"), "d": None}, envelope.id)]


class FramedRtvi:
    """A client on a WebSocket: the same messages, and the sound, in binary frames."""

    def __init__(self, timestamp: Timestamp) -> None:
        self._rtvi = Rtvi(timestamp)
        self._told_of_bad_sound = False

    def read(self, item: str | bytes) -> Read:
        if isinstance(item, str):
            return self._refused("This WebSocket takes binary frames: serialize with Protocol Buffers.")
        try:
            frame = read_frame(item)
        except PeerError as error:
            return self._refused(error.sentence)
        match frame:
            case Message(text):
                read = self._rtvi.read(text)
                return Read(read.told, _framed(read.answers))
            case Sound(pcm, sample_rate, channels):
                return Read([pcm]) if (sample_rate, channels) == (HEARD_RATE, 1) else self._bad_sound()
            case Interruption():
                return Read([Interrupt().to_json()])
        return Read()

    def write(self, message: ServerMessage) -> Sequence[bytes]:
        return _framed(self._rtvi.write(message))

    def say(self, sound: bytes) -> Sequence[bytes]:
        return [sound_frame(sound, SPOKEN_RATE)]

    def _bad_sound(self) -> Read:
        """It is told once, because sound comes 60 times a second."""
        if self._told_of_bad_sound:
            return Read()
        self._told_of_bad_sound = True
        return self._refused(f"Sound has to come with one channel and {HEARD_RATE} samples a second.")

    def _refused(self, sentence: str) -> Read:
        return Read(answers=_framed([write_envelope("error", _error(sentence))]))


def _as_before(kind: str, data: Any) -> Told | None:
    """A message in the form of RTVI 1: it has `bot-output` once when it is made, and once when it is spoken."""
    if kind != "bot-output":
        return kind, data
    if data.get("spoken_status") == "in-progress":
        return None
    spoken = data.get("spoken_status") == "completed"
    return kind, {"text": data["text"], "spoken": spoken, "aggregated_by": data["aggregated_by"]}


def _framed(items: Sequence[str | bytes]) -> list[bytes]:
    return [message_frame(item) for item in items if isinstance(item, str)]


def _error(sentence: str) -> dict[str, Any]:
    return {"error": sentence, "message": sentence, "fatal": False}
