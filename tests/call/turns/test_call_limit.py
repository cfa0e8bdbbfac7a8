import pytest

from server.call.turns.call_limit import GOODBYE_MS, CallLimit
from server.media.frame import FRAME_MS


def leave_ms(longest_min: float, quiet: bool) -> int | None:
    """When the agent takes leave in a call of ten minutes."""
    limit = CallLimit(longest_min)
    return next((at_ms for at_ms in range(FRAME_MS, 600_000, FRAME_MS) if limit.pass_frame(quiet)), None)


@pytest.mark.parametrize(
    ("longest_min", "quiet", "expected_ms"),
    [
        (5, True, 300_000 - GOODBYE_MS),
        (5, False, 300_000),
        (0.5, True, 15_000),
        (0.1, True, 3_000),
        (0, True, None),
    ],
)
def test_the_agent_takes_leave_at_a_quiet_moment(longest_min: float, quiet: bool, expected_ms: int | None) -> None:
    """It does so in the last 30 s, but not before a short call is half over, and at the end whoever speaks."""
    assert leave_ms(longest_min, quiet) == expected_ms
