"""Judges the SCTP packets of a data channel before aiortc reads them (RFC 9260). Pure.

aiortc trusts a peer that has the right keys. Some packets make it loop without end, and some make it work for seconds.
Here each packet is weighed by the work that it makes; one unit of weight is up to 0.1 ms. A packet with a length that
would mislead aiortc is refused.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

DCEP_WEIGHT = 16
"""How much a message weighs that opens a channel (RFC 8832). Opening one takes aiortc 0.35 ms."""
GAPS_PER_WEIGHT = 32
"""How many packets a report of the peer may name as received, for one unit of weight. aiortc makes a list of them all,
and a report of 20 bytes can name 65,535."""

_COMMON_HEADER = 12
_CHUNK, _PARAMETER, _DATA, _SACK = struct.Struct("!BBH"), struct.Struct("!HH"), struct.Struct("!LHHL"), "!LLHH"
_DATA_TYPE, _SACK_TYPE, _SHUTDOWN_TYPE, _FORWARD_TSN_TYPE = 0, 3, 7, 192
_DCEP = 50
_PARAMETERS_AT = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
"""The types of the chunks that carry parameters, and after how many bytes these begin: INIT, INIT ACK, HEARTBEAT,
HEARTBEAT ACK, ABORT, ERROR and RE-CONFIG."""


class Load(NamedTuple):
    """What a packet asks of the association."""

    weight: int
    """How much work it makes: one for each chunk, and more for chunks that make much work."""
    chunks: int
    """How many DATA chunks it has."""
    bytes: int
    """How many bytes of messages these have."""


def load_of(packet: bytes) -> Load:
    """Weigh a packet. Raises ValueError if aiortc could not read it, or would not come to an end."""
    weight = chunks = size = 0
    for kind, body in _chunks(packet):
        weight += 1
        if kind == _DATA_TYPE:
            if len(body) < _DATA.size:
                raise ValueError("truncated DATA chunk")
            chunks, size = chunks + 1, size + len(body) - _DATA.size
            if _DATA.unpack_from(body)[3] == _DCEP:
                weight += DCEP_WEIGHT - 1
        elif kind == _SACK_TYPE:
            weight += _gaps(body) // GAPS_PER_WEIGHT
        elif kind == _SHUTDOWN_TYPE and len(body) < 4:
            raise ValueError("truncated SHUTDOWN chunk")
        elif kind == _FORWARD_TSN_TYPE:
            if len(body) < 4 or len(body) % 4:
                raise ValueError("truncated FORWARD TSN chunk")
            weight += len(body) // 4 - 1  # aiortc searches a stream for each of the entries
        elif kind in _PARAMETERS_AT:
            weight += _parameters(body, _PARAMETERS_AT[kind])
    if not weight:
        raise ValueError("no chunk")
    return Load(weight, chunks, size)


def _chunks(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and the value of each chunk (section 3.2)."""
    place = _COMMON_HEADER
    while place + _CHUNK.size <= len(packet):
        kind, _, length = _CHUNK.unpack_from(packet, place)
        if length < _CHUNK.size or place + length > len(packet):
            raise ValueError("impossible chunk length")
        yield kind, packet[place + _CHUNK.size : place + length]
        place += _padded(length)


def _gaps(body: bytes) -> int:
    """How many packets a SACK names as received, beyond those that have come without a gap (section 3.3.4)."""
    if len(body) < 12:
        raise ValueError("truncated SACK chunk")
    _, _, gaps, duplicates = struct.unpack_from(_SACK, body)
    if len(body) < 12 + 4 * (gaps + duplicates):
        raise ValueError("truncated SACK chunk")
    bounds = struct.unpack_from(f"!{2 * gaps}H", body, 12)
    return sum(max(0, end - start + 1) for start, end in zip(bounds[::2], bounds[1::2], strict=True))


def _parameters(body: bytes, place: int) -> int:
    """How many parameters a chunk has (section 3.2.1). A length of 0 would keep aiortc busy for ever."""
    if len(body) < place:
        raise ValueError("truncated chunk")
    count = 0
    while place + _PARAMETER.size <= len(body):
        _, length = _PARAMETER.unpack_from(body, place)
        if length < _PARAMETER.size:
            raise ValueError("impossible parameter length")
        place, count = place + _padded(length), count + 1
    return count


def _padded(length: int) -> int:
    return length + -length % 4
