from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.counters import MediaCounters
from server.media.jitter import HOLD_MS, MARGIN_MS, MAX_AHEAD, MAX_HELD, MAX_LATE, WINDOW_MS, JitterBuffer, Ready
from server.media.rtp import RtpPacket
from tests.media.link import Impairment, Link


def packet(sequence: int) -> RtpPacket:
    return RtpPacket(111, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, 1, b"x")


def told(ready: list[Ready]) -> list[tuple[int, int]]:
    return [(item.packet.sequence, item.missing) for item in ready]


def received(*sequences: int) -> list[list[tuple[int, int]]]:
    """Which packets are ready after each packet, if they come 20 ms apart."""
    buffer = JitterBuffer(MediaCounters())
    return [told(buffer.push(packet(sequence), 20.0 * n)) for n, sequence in enumerate(sequences)]


@pytest.mark.parametrize(
    ("sequences", "ready"),
    [
        ([7, 8, 9], [[(7, 0)], [(8, 0)], [(9, 0)]]),
        ([7, 9], [[(7, 0)], [(9, 1)]]),
        ([7, 10, 8, 11], [[(7, 0)], [(10, 2)], [], [(11, 0)]]),
        ([7, 7, 8], [[(7, 0)], [], [(8, 0)]]),
        ([65_534, 65_535, 0, 1], [[(65_534, 0)], [(65_535, 0)], [(0, 0)], [(1, 0)]]),
        ([65_534, 1], [[(65_534, 0)], [(1, 2)]]),
        ([0, 65_535, 1], [[(0, 0)], [], [(1, 0)]]),
        ([1_000, 1_001 - MAX_LATE, 1_001], [[(1_000, 0)], [], [(1_001, 0)]]),
        ([1_000, 1_000 - MAX_LATE, 951], [[(1_000, 0)], [], [(951, 0)]]),
        ([1_000, 1_000 - MAX_LATE, 1_001, 1_002], [[(1_000, 0)], [], [(1_001, 0)], [(1_002, 0)]]),
        ([65_500, 65_535 - MAX_LATE - 100, 65_536 - MAX_LATE - 100], [[(65_500, 0)], [], [(65_386, 0)]]),
        ([1_000, 1_001 + MAX_AHEAD, 4_002], [[(1_000, 0)], [(4_001, MAX_AHEAD)], [(4_002, 0)]]),
        ([1_000, 1_002 + MAX_AHEAD, 4_003], [[(1_000, 0)], [], [(4_003, 0)]]),
        ([1_000, 9_000, 1_001, 9_001, 9_002], [[(1_000, 0)], [], [(1_001, 0)], [(9_001, 0)], [(9_002, 0)]]),
    ],
)
def test_gaps(sequences: list[int], ready: list[list[tuple[int, int]]]) -> None:
    """While a network keeps the order, no packet waits. Duplicates are dropped. Two packets in a row show a restart."""
    assert received(*sequences) == ready


def test_a_late_packet_opens_the_window_and_the_next_one_is_waited_for() -> None:
    """When a packet has come 20 ms after it was given up, the buffer waits for the next one, and puts it in order."""
    assert received(0, 2, 1, 3, 5, 4, 6) == [[(0, 0)], [(2, 1)], [], [(3, 0)], [], [(4, 0), (5, 0)], [(6, 0)]]


def test_the_window_closes_again() -> None:
    """Less than a second after a packet out of order, lost packets are given up at once again."""
    buffer = JitterBuffer(MediaCounters())
    for sequence, now_ms in [(0, 0.0), (2, 20.0), (1, 40.0), (3, 60.0)]:
        buffer.push(packet(sequence), now_ms)
    assert buffer.window_ms == 20 + MARGIN_MS
    assert told(buffer.push(packet(5), 100.0)) == []
    assert told(buffer.poll(120.0)) == []
    assert told(buffer.poll(130.0)) == [(5, 1)]
    assert told(buffer.push(packet(7), 45.0 + HOLD_MS)) == [(7, 1)]
    assert buffer.window_ms == 0
    assert HOLD_MS < 1_000


def test_the_window_has_a_limit() -> None:
    """However late a packet has come, the buffer waits for the next one no longer than the limit."""
    buffer = JitterBuffer(MediaCounters())
    for sequence, now_ms in [(0, 0.0), (2, 20.0), (1, 500.0), (4, 510.0)]:
        buffer.push(packet(sequence), now_ms)
    assert buffer.window_ms == WINDOW_MS
    assert told(buffer.poll(510.0 + WINDOW_MS - 1)) == []
    assert told(buffer.poll(510.0 + WINDOW_MS)) == [(4, 1)]


def test_what_is_held_has_a_limit() -> None:
    """If too many packets wait behind a missing one, the missing one is given up."""
    buffer = JitterBuffer(MediaCounters())
    for sequence in (0, 2, 1):
        buffer.push(packet(sequence), 0.0)
    ready = [told(buffer.push(packet(4 + n), 1.0)) for n in range(MAX_HELD + 1)]
    assert [len(items) for items in ready] == [0] * MAX_HELD + [MAX_HELD + 1]


def test_counts() -> None:
    """Each packet is counted once: as lost, late, reordered or duplicate."""
    counters = MediaCounters()
    buffer = JitterBuffer(counters)
    for n, sequence in enumerate([0, 2, 1, 4, 3, 3, 8, 30_000]):
        buffer.push(packet(sequence), 20.0 * n)
    assert (counters.lost, counters.late, counters.reordered, counters.duplicate) == (1, 2, 1, 1)


NETWORKS = st.builds(
    Impairment,
    loss=st.floats(0, 0.5),
    jitter_ms=st.floats(0, 200),
    reorder=st.floats(0, 0.3),
    reorder_ms=st.floats(0, 100),
    duplicate=st.floats(0, 0.3),
)


@given(NETWORKS, st.integers(0, 0xFFFF), st.integers(0, 1_000))
def test_any_network(bad: Impairment, first: int, seed: int) -> None:
    """Whatever a network does, each packet comes out at most once, in order, with how many are missing before it."""
    link, counters = Link(bad, seed), MediaCounters()
    buffer = JitterBuffer(counters)
    arrivals = sorted((at_ms, n) for n in range(100) for at_ms in link.arrivals_ms(20.0 * n))
    out: list[int] = []
    for at_ms, n in arrivals:
        for item in buffer.push(packet(first + n), at_ms):
            number = (item.packet.sequence - first) & 0xFFFF
            assert not out or item.missing == number - out[-1] - 1
            out.append(number)
    out += [(item.packet.sequence - first) & 0xFFFF for item in buffer.poll(1e9)]
    assert all(earlier < later for earlier, later in pairwise(out))
    assert len(out) + counters.late + counters.duplicate == len(arrivals)
    if out:
        assert counters.lost == out[-1] - out[0] + 1 - len(out)


@given(st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_any_sequence_of_numbers(sequences: list[int]) -> None:
    """However a sender numbers its packets, the number of packets that are held and the gaps are limited."""
    buffer = JitterBuffer(MediaCounters())
    for n, sequence in enumerate(sequences):
        for item in buffer.push(packet(sequence), 5.0 * n):
            assert 0 <= item.missing <= MAX_AHEAD + MAX_HELD
    assert len(buffer.poll(1e9)) <= MAX_HELD + 1
