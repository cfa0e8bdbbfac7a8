"""The binary frames of Pipecat's WebSocket transport: Protocol Buffers of the schema `pipecat.Frame`.

A frame has one of these fields: 1 text, 2 audio (1 id, 2 name, 3 PCM, 4 sample rate, 5 channels, 6 pts),
3 transcription, 4 message (1 data: JSON of RTVI), 5 interruption. How they are written:
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.errors import PeerError

MAX_FIELDS = 16
"""How many fields a frame, or a part of it, may have. The schema has six at most."""
MAX_VARINT_BYTES = 10
"""The longest number of Protocol Buffers: 64 bits, 7 in each byte."""
_TEXT, _AUDIO, _TRANSCRIPTION, _MESSAGE, _INTERRUPTION = 1, 2, 3, 4, 5
_KINDS = (_TEXT, _AUDIO, _TRANSCRIPTION, _MESSAGE, _INTERRUPTION)
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED_64: 8, _FIXED_32: 4}


@dataclass(frozen=True, slots=True)
class Sound:
    """Signed 16-bit little-endian PCM. The rate is in Hz."""

    pcm: bytes = field(repr=False)
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message of RTVI as JSON."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interruption:
    """The agent has to stop talking."""


@dataclass(frozen=True, slots=True)
class Other:
    """A frame of the schema that no client sends: text or a transcription."""


Frame = Sound | Message | Interruption | Other


def read_frame(data: bytes) -> Frame:
    """Read one frame. Fields that the schema does not have are skipped, as Protocol Buffers want it.

    Raises PeerError if it is none, or has something other than one of the fields of the schema.
    """
    fields = {number: content for number, content in _fields(data).items() if number in _KINDS}
    if not fields:
        raise PeerError("The frame is of no kind that Pipecat has.")
    if len(fields) > 1:
        raise PeerError(f"A frame of Pipecat is of one kind, and this one is of {len(fields)}.")
    ((number, content),) = fields.items()
    if not isinstance(content, bytes):
        raise PeerError("The frame has a number where the schema of Pipecat has something else.")
    if number == _AUDIO:
        return _sound(_fields(content))
    if number == _MESSAGE:
        return Message(_utf_8(_fields(content).get(1, b"")))
    return Interruption() if number == _INTERRUPTION else Other()


def message_frame(text: str) -> bytes:
    """A frame with a message of RTVI."""
    return _bytes_field(_MESSAGE, _bytes_field(1, text.encode()))


def sound_frame(pcm: bytes, sample_rate: int) -> bytes:
    """A frame with mono PCM."""
    sound = _bytes_field(3, pcm) + _number_field(4, sample_rate) + _number_field(5, 1)
    return _bytes_field(_AUDIO, sound)


def _sound(fields: dict[int, int | bytes]) -> Sound:
    match fields.get(3, b""), fields.get(4, 0), fields.get(5, 1):
        case bytes() as pcm, int() as rate, int() as channels:
            return Sound(pcm, rate, channels)
    raise PeerError("The fields of the audio frame have other types than in the schema of Pipecat.")


def _utf_8(text: int | bytes) -> str:
    try:
        return text.decode() if isinstance(text, bytes) else ""
    except UnicodeDecodeError as exc:
        raise PeerError("The message in the frame is not UTF-8.") from exc


def _fields(data: bytes) -> dict[int, int | bytes]:
    """The fields of a message by their numbers: the number or the bytes of each. The last one of a number counts."""
    fields: dict[int, int | bytes] = {}
    for count, (number, content) in enumerate(_read(data)):
        if count == MAX_FIELDS:
            raise PeerError(f"The frame has more than {MAX_FIELDS} fields.")
        fields[number] = content
    return fields


def _read(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            content, at = _varint(data, at)
            yield key >> 3, content
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in _FIXED_BYTES:
            size = _FIXED_BYTES[kind]
        else:
            raise PeerError("The frame is not a Protocol Buffer.")
        if size > len(data) - at:
            raise PeerError("The frame ends in the middle of a field.")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = 0
    for index in range(MAX_VARINT_BYTES):
        if at + index >= len(data):
            raise PeerError("The frame ends in the middle of a number.")
        byte = data[at + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, at + index + 1
    raise PeerError("A number in the frame has more than 64 bits.")


def _number_field(number: int, content: int) -> bytes:
    return _written(number << 3 | _VARINT) + _written(content)


def _bytes_field(number: int, content: bytes) -> bytes:
    return _written(number << 3 | _BYTES) + _written(len(content)) + content


def _written(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
