from hypothesis import given
from hypothesis import strategies as st

from server.media.feed import FRAMES_A_TICK, MAX_EARLY_FRAMES, MAX_FLOOD_TICKS, MAX_FRAMES, Feed
from server.media.frame import HEARD_SAMPLES, SILENCE, Frame


def frames(count: int, start: int = 0) -> list[Frame]:
    return [Frame(SILENCE, (start + i) * HEARD_SAMPLES) for i in range(count)]


def test_real_time_passes_through() -> None:
    """A client that sends one frame per tick is heard without delay, for as long as it does so."""
    feed = Feed()
    for number in range(5_000):
        [frame] = frames(1, number)
        feed.put([frame])
        assert feed.take() == [frame]
        assert feed.room
        assert not feed.flooded


def test_a_burst_is_made_good() -> None:
    """A second of sound that comes at once is heard in a third of a second."""
    feed = Feed()
    feed.put(frames(50))
    ticks = 0
    while feed.take():
        ticks += 1
    assert ticks == -(-50 // FRAMES_A_TICK)


def test_a_flood_is_held_back_and_known() -> None:
    """A client that always sends as fast as there is room gets ahead of real time up to the limit, is then heard at the
    real pace, and counts as flooding."""
    feed, sent, heard = Feed(), 0, 0
    for tick in range(MAX_FLOOD_TICKS + 1_000):
        if feed.flooded:
            break
        while feed.room:
            feed.put(frames(1, sent))
            sent += 1
        heard += len(feed.take())
        assert heard <= tick + 1 + MAX_EARLY_FRAMES + FRAMES_A_TICK
    assert feed.flooded
    assert tick <= MAX_FLOOD_TICKS + 1


@given(st.lists(st.integers(0, 60), max_size=200))
def test_nothing_is_lost_or_reordered(bursts: list[int]) -> None:
    """Frames that are put while there is room come out once and in order, at most three per tick."""
    feed, sent, heard = Feed(), 0, []
    for burst in bursts:
        if feed.room:
            feed.put(frames(burst, sent))
            sent += burst
        taken = feed.take()
        assert len(taken) <= FRAMES_A_TICK
        heard += taken
    while taken := feed.take():
        heard += taken
    assert heard == frames(sent)
    assert MAX_FRAMES > 0
