"""SCTP packets are weighed before aiortc gets them."""

import struct

import pytest
from aiortc.rtcsctptransport import CHUNK_TYPES, crc32c, parse_packet
from hypothesis import given
from hypothesis import strategies as st

from server.media.sctp import DCEP_WEIGHT, GAPS_PER_WEIGHT, Load, load_of
from tests.hostile_caller import DCEP, TEXT, RawChunk

DATA, INIT, SACK, HEARTBEAT, SHUTDOWN, RE_CONFIG, FORWARD_TSN = 0, 1, 3, 4, 7, 130, 192


def packet(*chunks: RawChunk) -> bytes:
    head, body = struct.pack("!HHL", 5000, 5000, 7), b"".join(map(bytes, chunks))
    return head + struct.pack("<L", crc32c(head + bytes(4) + body)) + body


def data(content: int = TEXT, body: bytes = b"hello") -> RawChunk:
    return RawChunk(DATA, struct.pack("!LHHL", 1, 1, 0, content) + body)


def sack(*gaps: tuple[int, int]) -> RawChunk:
    return RawChunk(SACK, struct.pack("!LLHH", 1, 1, len(gaps), 0) + b"".join(struct.pack("!HH", *gap) for gap in gaps))


def parameters(count: int, length: int = 8) -> bytes:
    return struct.pack("!HHL", 13, length, 0) * count


def test_each_chunk_counts() -> None:
    """A packet weighs as much as it has chunks, even chunks of a type that nobody knows."""
    assert load_of(packet(data(), data(body=b"you"), RawChunk(99))) == Load(weight=3, chunks=2, bytes=8)


def test_what_makes_more_work_weighs_more() -> None:
    """A channel that is opened, a report that names many packets, and what comes in lists, weigh more than a chunk."""
    assert load_of(packet(data(DCEP))).weight == DCEP_WEIGHT
    assert load_of(packet(sack((2, 31)))).weight == 1
    assert load_of(packet(sack((0, 65_535), (5, 4)))).weight == 1 + 65_536 // GAPS_PER_WEIGHT
    assert load_of(packet(RawChunk(RE_CONFIG, parameters(20)))).weight == 21
    assert load_of(packet(RawChunk(INIT, bytes(16) + parameters(3)))).weight == 4
    assert load_of(packet(RawChunk(FORWARD_TSN, bytes(4 * 11)))).weight == 11


@pytest.mark.parametrize(
    "chunk",
    [
        RawChunk(HEARTBEAT, struct.pack("!HH", 1, 0)),
        RawChunk(RE_CONFIG, parameters(2, length=3)),
        RawChunk(INIT, bytes(15)),
        RawChunk(INIT, bytes(20)),
        RawChunk(DATA, bytes(11)),
        RawChunk(SACK, bytes(8)),
        RawChunk(SACK, struct.pack("!LLHH", 1, 1, 1, 1) + bytes(4)),
        RawChunk(SHUTDOWN, bytes(1)),
        RawChunk(FORWARD_TSN, bytes(2)),
        RawChunk(FORWARD_TSN, bytes(6)),
    ],
)
def test_a_misleading_length_is_refused(chunk: RawChunk) -> None:
    """A length that is too short for its chunk, or a parameter without a length, is refused."""
    with pytest.raises(ValueError, match=r"truncated|impossible"):
        load_of(packet(chunk))


def test_a_packet_without_a_chunk_is_refused() -> None:
    """A header alone, and less than a header, are no packets."""
    for length in range(13):
        with pytest.raises(ValueError, match="no chunk"):
            load_of(packet()[:length])


BODIES = st.one_of(
    st.binary(max_size=60),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 12)), max_size=8).map(
        lambda pairs: b"".join(struct.pack("!HH", *pair) for pair in pairs)
    ),
    st.binary(min_size=12, max_size=12).map(lambda body: body[:9] + b"\1\0\1" + bytes(8)),
)
CHUNKS = st.builds(RawChunk, st.sampled_from([*CHUNK_TYPES, 99]), BODIES)


@given(st.lists(CHUNKS, max_size=6), st.integers(0, 40))
def test_what_passes_can_be_read(chunks: list[RawChunk], cut: int) -> None:
    """aiortc reads every packet that passes, without an error and without an endless loop."""
    whole = packet(*chunks)
    cut_short = whole[: len(whole) - cut]
    sealed = cut_short[:8] + struct.pack("<L", crc32c(cut_short[:8] + bytes(4) + cut_short[12:])) + cut_short[12:]
    try:
        load = load_of(sealed)
    except ValueError:
        return
    *_, read = parse_packet(sealed)
    assert load.weight >= len(read)
    assert load.chunks == sum(chunk.type == DATA for chunk in read)
