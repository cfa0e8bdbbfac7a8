"""Writes and reads RTP packets (RFC 3550, section 5.1).

Of the header extensions (RFC 8285) it reads only the audio level (RFC 6464).
"""

import struct
from typing import NamedTuple

_FIXED = struct.Struct("!BBHLL")
_EXTENSION = struct.Struct("!HH")
_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000
MAX_EXTENSION_BYTES = 128
"""How long a header extension may be to be read. Those of browsers have 8 to 32 bytes; 1,400 take 0.2 ms to read."""


class RtpPacket(NamedTuple):
    """The parts of a packet that a receiver of sound needs. `timestamp` is in units of the codec's RTP clock."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    voice: bool | None = None
    """Whether the sender says that this is a voice (RFC 6464). None if it says nothing. Use it only as a hint, because
    a sender may say anything."""


def parse(data: bytes, level_id: int | None = None) -> RtpPacket:
    """Read a packet. `level_id` is the negotiated id of the audio level extension. Raises ValueError."""
    if len(data) < _FIXED.size:
        raise ValueError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("not RTP version 2")
    start, end, voice = _FIXED.size + 4 * (first & 0x0F), len(data), None
    if first & 0x20:
        padding = data[-1]
        if not 0 < padding <= end - _FIXED.size:
            raise ValueError("impossible padding")
        end -= padding
    if first & 0x10:
        if start + _EXTENSION.size > end:
            raise ValueError("truncated header extension")
        profile, words = _EXTENSION.unpack_from(data, start)
        start += _EXTENSION.size + 4 * words
        if level_id is not None and 4 * words <= MAX_EXTENSION_BYTES:
            voice = _voice(data[start - 4 * words : start], profile, level_id)
    if start > end:
        raise ValueError("truncated header")
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], voice)


def _voice(elements: bytes, profile: int, level_id: int) -> bool | None:
    """Return the voice bit, the highest bit of the element with this id. None if there is no such element."""
    place, end = 0, len(elements)
    while place < end:
        if elements[place] == 0:  # padding
            place += 1
            continue
        if profile == _ONE_BYTE:
            number, length, place = elements[place] >> 4, (elements[place] & 0x0F) + 1, place + 1
        elif profile & 0xFFF0 == _TWO_BYTE and place + 1 < end:
            number, length, place = elements[place], elements[place + 1], place + 2
        else:
            return None
        if number == level_id and length and place < end:
            return bool(elements[place] & 0x80)
        place += length
    return None


def build(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool = False) -> bytes:
    """Write a packet without header extensions. `sequence` and `timestamp` may be too large: they wrap here."""
    second = payload_type | (0x80 if marker else 0)
    return _FIXED.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload
