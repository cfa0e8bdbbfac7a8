"""The E-model gives the values that ITU-T has published."""

import pytest

from server.media.counters import MediaCounters
from server.media.e_model import BEST, G711, Codec, delay_impairment, loss_impairment, mos, rating
from server.media.line import Line, lost_in_percent, rating_in, rating_out


def test_the_best_call_has_the_default_rating() -> None:
    """Without delay and losses R is 93.2, which is a MOS of 4.41 (G.107, section 7.7 and annex B)."""
    assert rating("pcmu", 0, 0) == rating("opus", 100, 0) == BEST == 93.2
    assert mos(BEST) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_ratings_are_scores_as_published(r: float, score: float) -> None:
    """The mean opinion scores at the borders of the categories are those of G.107, table B.1."""
    assert mos(r) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("r", [-5, 0, 1, 3, 6.4])
def test_no_score_is_below_one(r: float) -> None:
    """The polynomial goes below 1 for the worst ratings. The score does not."""
    assert mos(r) == 1
    assert mos(100) == mos(110) == 4.5


@pytest.mark.parametrize(
    ("codec", "lost", "published"),
    [
        (G711, 0, 0), (G711, 1, 5), (G711, 2, 7), (G711, 3, 10), (G711, 5, 15), (G711, 7, 20), (G711, 10, 25),
        (Codec(11, 19.0, 0), 0, 11), (Codec(11, 19.0, 0), 1, 15), (Codec(11, 19.0, 0), 2, 19),
        (Codec(11, 19.0, 0), 4, 26),
    ],
)  # fmt: skip
def test_losses_take_what_was_published(codec: Codec, lost: float, published: float) -> None:
    """The impairments of G.711 with concealment, and of G.729A with VAD, are those of the tables in G.113, appendix I,
    to which the formula was fitted: it is within 3 of them."""
    assert loss_impairment(codec, lost) == pytest.approx(published, abs=3)


def test_delay_is_noticed_from_100_ms_on() -> None:
    """A delay costs nothing up to 100 ms, little up to 150 ms (G.114 accepts that), and much at 400 ms."""
    assert [delay_impairment(ms) for ms in (0, 50, 100)] == [0, 0, 0]
    assert 0 < delay_impairment(150) < 1
    assert delay_impairment(200) == pytest.approx(25 * (2 ** (1 / 6) - 3 * (1 + 3**-6) ** (1 / 6) + 2))
    assert 20 < delay_impairment(400) < 30
    steps = [delay_impairment(ms) for ms in range(100, 2_000, 10)]
    assert steps == sorted(steps)


def test_a_rating_stays_in_its_range() -> None:
    """Whatever a peer reports, R is between 0 and 93.2; of an unknown codec nothing is told."""
    for delay in (-10, 0, 500, 1e6):
        for lost in (-5, 0, 50, 100, 250):
            found = rating("OPUS", delay, lost)
            assert found is not None
            assert 0 <= found <= BEST
    assert rating("g729", 10, 0) is None


def test_a_line_is_rated_in_both_directions() -> None:
    """Of the caller's packets those count that came since the last look and were not recovered; of ours, what the
    client reports. Without a round trip the delay is not known, and nothing is told."""
    before = Line("pcmu", MediaCounters(received=50, lost=50))
    counters = MediaCounters(received=150, lost=70, recovered=10)
    assert lost_in_percent(before, Line("pcmu", counters)) == pytest.approx(100 * 10 / 120)
    assert lost_in_percent(before, before) is None
    assert rating_in(before, Line("pcmu", counters)) is rating_out(Line("pcmu", counters)) is None
    counters.round_trip_ms = 600.0
    assert rating_out(Line("pcmu", counters)) is None  # the client has reported nothing about our packets
    counters.reports, counters.lost_percent, counters.jitter_ms = 1, 5.0, 10.0
    line = Line("pcmu", counters, window_ms=30)
    assert rating_in(before, line) == rating("pcmu", 300 + 20 + 30, 100 * 10 / 120)
    assert rating_out(line) == rating("pcmu", 300 + 20 + 20 + 20, 5)
    assert line.kept.counters == counters
    counters.lost += 1
    assert line.kept.counters is not counters
