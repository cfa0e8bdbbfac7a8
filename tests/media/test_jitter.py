import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.jitter import MAX_AHEAD, MAX_GAP, MAX_LATE, Arrivals


def received(*sequences: int) -> list[int | None]:
    arrivals = Arrivals()
    return [arrivals.receive(sequence) for sequence in sequences]


@pytest.mark.parametrize(
    ("sequences", "missing"),
    [
        ([7, 8, 9], [0, 0, 0]),
        ([7, 9], [0, 1]),
        ([7, 10, 8, 11], [0, 2, None, 0]),
        ([7, 7, 8], [0, None, 0]),
        ([65_534, 65_535, 0, 1], [0, 0, 0, 0]),
        ([65_534, 1], [0, 2]),
        ([0, 65_535, 1], [0, None, 0]),
        ([7, 107], [0, MAX_GAP]),
        ([1_000, 1_000 - MAX_LATE, 1_001], [0, None, 0]),
        ([1_000, 1_000 - MAX_LATE - 1, 950], [0, 0, 0]),
        ([1_000, 1_000 + MAX_AHEAD, 4_001], [0, MAX_GAP, 0]),
        ([1_000, 1_001 + MAX_AHEAD, 4_002], [0, 0, 0]),
        ([1_000, 1_000 + 0x8000], [0, 0]),
    ],
)
def test_gaps(sequences: list[int], missing: list[int | None]) -> None:
    """Losses are counted, late packets and copies dropped, restarts begin anew; all of it across the wrap."""
    assert received(*sequences) == missing


def test_a_restart_is_no_loss() -> None:
    """A sender that begins again has lost nothing."""
    arrivals = Arrivals()
    for sequence in (7, 30_000, 5, 7):
        arrivals.receive(sequence)
    assert (arrivals.lost, arrivals.late) == (1, 0)


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.sampled_from(["sent", "sent", "sent", "lost", "twice", "swapped"]), min_size=1, max_size=300),
)
def test_any_loss_order_and_copies(first: int, fates: list[str]) -> None:
    """Each packet is played once at most, in order, and each gap is filled with what is missing, up to its limit."""
    arrivals = Arrivals()
    played: list[int] = []
    for number in _network(fates):
        missing = arrivals.receive((first + number) & 0xFFFF)
        if missing is not None:
            last = played[-1] if played else number - 1
            assert missing == min(number - last - 1, MAX_GAP)
            played.append(number)
    assert played == sorted(set(played))
    arrived = _network(fates)
    assert len(played) + arrivals.late == len(arrived)
    if played:
        assert arrivals.lost == played[-1] - played[0] + 1 - len(played)


def _network(fates: list[str]) -> list[int]:
    """The numbers of the packets as they arrive."""
    arrived: list[int] = []
    for number, fate in enumerate(fates):
        if fate != "lost":
            arrived.append(number)
        if fate == "twice":
            arrived.append(number)
        if fate == "swapped" and len(arrived) > 1:
            arrived[-1], arrived[-2] = arrived[-2], arrived[-1]
    return arrived


def test_any_sequence_of_numbers() -> None:
    """Whatever a sender numbers its packets with, the answer is a drop or a gap within the limit."""
    rng, arrivals = random.Random(1), Arrivals()
    for _ in range(20_000):
        missing = arrivals.receive(rng.randrange(0x10000))
        assert missing is None or 0 <= missing <= MAX_GAP
    assert arrivals.late > 0
