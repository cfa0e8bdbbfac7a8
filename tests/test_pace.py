from hypothesis import given
from hypothesis import strategies as st

from server.pace import Pace


def test_what_is_too_much_is_refused() -> None:
    """A burst passes up to its size, then `per_s` in each second, and after a rest a whole burst passes again."""
    pace = Pace(per_s=10, burst=5)
    assert [pace.admits(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert sum(pace.admits(0.01 * n) for n in range(1, 201)) in (19, 20, 21)
    assert [pace.admits(100.0) for _ in range(7)] == [True] * 5 + [False] * 2


@given(st.lists(st.floats(0, 0.1), max_size=300))
def test_never_more_than_the_rate_is_admitted(steps: list[float]) -> None:
    """In any period from the start, at most the burst plus the rate times the period is admitted."""
    pace, now_s, passed = Pace(per_s=50, burst=20), 0.0, 0
    for step in steps:
        now_s += step
        passed += pace.admits(now_s)
        assert passed <= 20 + 50 * now_s + 1e-6


def test_what_is_too_much_is_delayed() -> None:
    """A burst does not wait. The next request waits until its token is there."""
    pace = Pace(per_s=10, burst=10)
    assert [pace.reserve(5.0) for _ in range(10)] == [0.0] * 10
    assert 0.05 < pace.reserve(5.0) <= 0.1


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_the_rate_holds_for_a_client_that_waits(gaps_s: list[float]) -> None:
    """However the requests come, at least (n - burst) / rate seconds have passed after n of them."""
    pace, now_s = Pace(per_s=50, burst=50), 0.0
    for number, gap_s in enumerate(gaps_s, 1):
        now_s += gap_s
        now_s += pace.reserve(now_s)
        assert now_s >= number / 50 - 1 - 1e-6
