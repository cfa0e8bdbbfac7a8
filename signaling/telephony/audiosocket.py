"""The dialect of AudioSocket, for an Asterisk that has no chan_websocket: messages in a stream of bytes. Pure.

Each message has a kind (one byte), the length of its payload (two bytes, big-endian), and the payload. The first one is
the id of the call. All sound has the sample rate of the first sound.
"""

from collections.abc import Sequence
from uuid import UUID

from server.call.line.telephone import Begun, Event, HangUp, HungUp, KeepAlive, Key, Order, Say, Sound, silence
from server.call.messages import AudioFormat
from server.errors import NotAcceptable, PeerError

HANGUP, ID, DTMF, FAILED = 0x00, 0x01, 0x03, 0xFF
SOUND = {0x10: 8000, 0x12: 16000, 0x13: 24000, 0x16: 48000}
"""The kinds of messages with sound, by the sample rates that a call can have."""
OTHER_SOUND = {0x11: 12_000, 0x14: 32_000, 0x15: 44_100, 0x17: 96_000, 0x18: 192_000}
_HEADER = 3


class AudioSocket:
    """One connection."""

    def __init__(self) -> None:
        self._data = b""
        """The beginning of a message: at most 64 KB, because its length has two bytes."""
        self._call_id = ""
        self._kind: int | None = None
        self._quiet = b""

    def read(self, item: str | bytes) -> Sequence[Event]:
        if isinstance(item, str):
            raise PeerError("a text came on a stream of bytes")
        self._data += item
        events: list[Event] = []
        wrong: PeerError | None = None
        while len(self._data) >= _HEADER:
            end = _HEADER + int.from_bytes(self._data[1:_HEADER])
            if len(self._data) < end:
                break
            kind, payload, self._data = self._data[0], self._data[_HEADER:end], self._data[end:]
            try:
                events += self._message(kind, payload)
            except PeerError as error:
                wrong = error
        if wrong is not None and not events:
            raise wrong
        return events

    def write(self, order: Order) -> Sequence[str | bytes]:
        match order:
            case Say(payload) if self._kind is not None:
                return (_written(self._kind, payload),)
            case KeepAlive() if self._kind is not None:  # Asterisk gives up a call in which nothing comes for 2 s
                return (_written(self._kind, self._quiet),)
            case HangUp():
                return (_written(HANGUP, b""),)
        return ()

    def _message(self, kind: int, payload: bytes) -> Sequence[Event]:
        if kind == ID and len(payload) == 16:
            self._call_id = str(UUID(bytes=payload))
        elif kind in SOUND and self._call_id:
            return self._sound(kind, payload)
        elif kind in OTHER_SOUND and self._call_id and self._kind is None:
            raise NotAcceptable(f"sound of {OTHER_SOUND[kind]} Hz is none of {', '.join(map(str, SOUND.values()))} Hz")
        elif kind == ID:
            raise PeerError("the id of the call is no UUID")
        elif kind == DTMF and len(payload) == 1:
            return (Key(payload.decode("latin-1")),)
        elif kind in (HANGUP, FAILED):
            return (HungUp(),)
        return ()

    def _sound(self, kind: int, payload: bytes) -> Sequence[Event]:
        if self._kind is None:
            self._kind = kind
            audio = AudioFormat.model_validate({"encoding": "pcm16", "sample_rate": SOUND[kind]})
            self._quiet = silence(audio)
            return (Begun(self._call_id, audio), Sound(payload))
        return (Sound(payload),) if kind == self._kind else ()


def _written(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2) + payload
