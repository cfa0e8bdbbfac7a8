from hypothesis import given
from hypothesis import strategies as st

from server.token_bucket import Allowance


def test_a_second_may_be_used_at_once() -> None:
    """A burst of a second's worth does not wait; the next one waits for its turn."""
    allowance = Allowance(10)
    assert [allowance.take(5.0) for _ in range(10)] == [0.0] * 10
    assert 0.05 < allowance.take(5.0) <= 0.1


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_the_rate_holds_for_whoever_waits(gaps_s: list[float]) -> None:
    """However requests come, after n of them at least n/rate - 1 seconds have passed."""
    allowance, now_s = Allowance(50), 0.0
    for number, gap_s in enumerate(gaps_s, 1):
        now_s += gap_s
        now_s += allowance.take(now_s)
        assert now_s >= number / 50 - 1 - 1e-6
