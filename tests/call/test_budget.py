"""What one call may use up: when the agent is told, when it takes leave, and what goes into the record."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from server.call.budget import GOODBYE_MS, NOTICE_MS, Budget, BudgetSettings, Part
from server.media.frame import FRAME_MS
from server.record.used import Used

BOUNDLESS = BudgetSettings(requests=0, tokens=0, speech_min=0, transcription_min=0)
PARTS: list[tuple[Part, dict[str, float], Callable[[Budget], None], int]] = [
    (Part.REQUESTS, {"requests": 400}, lambda budget: budget.add_request(), 400),
    (Part.REQUESTS, {"requests": 5}, lambda budget: budget.add_request(), 5),
    (Part.TOKENS, {"tokens": 1_000_000}, lambda budget: budget.add_tokens(2_500), 400),
    (Part.SPEECH, {"speech_min": 30}, lambda budget: budget.add_speech(6_000), 300),
    (Part.TRANSCRIPTION, {"transcription_min": 120}, lambda budget: budget.add_transcription(9_000), 800),
]


def after_ms(budget: Budget, due: Callable[[Budget], bool], limit_ms: int = 600_000) -> int | None:
    """After how long something is due; None: not within ten minutes."""
    for at_ms in range(FRAME_MS, limit_ms, FRAME_MS):
        budget.pass_frame()
        if due(budget):
            return at_ms
    return None


@pytest.mark.parametrize(
    ("longest_min", "max_s", "longest_ms"),
    [(5, None, 300_000), (0, 300, 300_000), (5, 600, 300_000), (8, 300, 300_000), (0, None, None)],
)
def test_a_call_lasts_as_long_as_server_and_token_allow(
    longest_min: float, max_s: float | None, longest_ms: int | None
) -> None:
    """The shorter of the server's and the token's time counts. The agent is told a minute and a half before the end,
    takes leave at a quiet moment in the last half minute, and at the end whoever speaks."""
    expected = [None] * 3 if longest_ms is None else [longest_ms - NOTICE_MS - GOODBYE_MS, longest_ms - GOODBYE_MS]
    told = after_ms(Budget(BOUNDLESS, Used(), longest_min, max_s), lambda budget: bool(budget.notice))
    leaves = after_ms(Budget(BOUNDLESS, Used(), longest_min, max_s), lambda budget: budget.reached is Part.TIME)
    over = after_ms(Budget(BOUNDLESS, Used(), longest_min, max_s), lambda budget: budget.overdue and budget.spent)
    assert [told, leaves, over] == [*expected, longest_ms][:3]


@pytest.mark.parametrize(("longest_s", "told_ms", "leaves_ms"), [(30, 7_500, 15_000), (6, 1_500, 3_000)])
def test_the_end_of_a_short_call_takes_its_part_of_it(longest_s: float, told_ms: int, leaves_ms: int) -> None:
    """Nobody is bidden goodbye before half of the time is over, and the agent is told when a quarter is over."""
    budget = Budget(BOUNDLESS, Used(), max_s=longest_s)
    assert after_ms(budget, lambda budget: bool(budget.notice)) == told_ms
    assert after_ms(budget, lambda budget: budget.reached is Part.TIME) == leaves_ms - told_ms


def test_the_agent_is_told_how_much_time_is_left() -> None:
    """In steps of ten seconds, until it is time to take leave."""
    budget, told = Budget(BOUNDLESS, Used(), longest_min=5), []
    for _ in range(300_000 // FRAME_MS):
        budget.pass_frame()
        if budget.notice not in told:
            told.append(budget.notice)
    when = [notice.removeprefix("This call has to end ").partition(".")[0] for notice in told]
    assert when == ["", *(f"in about {seconds} seconds" for seconds in range(60, 0, -10)), "now"]


@pytest.mark.parametrize(("part", "limit", "use", "times"), PARTS)
def test_each_part_has_its_limit(
    part: Part, limit: dict[str, float], use: Callable[[Budget], None], times: int
) -> None:
    """The agent is told when a tenth is left, or two exchanges. At the limit no answer is begun; nothing is overdue."""
    budget = Budget(BOUNDLESS.model_copy(update=limit), Used())
    told = 0
    for time in range(1, times + 1):
        assert (budget.reached, budget.spent) == (None, False)
        use(budget)
        told = told or (time if budget.notice else 0)
    assert (budget.reached, budget.spent, budget.overdue) == (part, True, False)
    assert told == (round(0.9 * times) if times > 5 else 3)
    assert part.value in Used.__dataclass_fields__


def test_without_limits_a_call_may_use_anything() -> None:
    """0 is no limit."""
    budget = Budget(BOUNDLESS, Used())
    for _, _, use, _ in PARTS:
        for _ in range(10_000):
            use(budget)
    assert (budget.notice, budget.reached, budget.spent) == ("", None, False)


@pytest.mark.parametrize(("part", "limit", "use", "times"), PARTS)
def test_what_was_used_before_counts(
    part: Part, limit: dict[str, float], use: Callable[[Budget], None], times: int
) -> None:
    """A budget that begins with what another one has used goes on where that one was."""
    settings = BOUNDLESS.model_copy(update=limit)
    before = Budget(settings, Used())
    for _ in range(times - 1):
        use(before)
    assert getattr(before.used, part.value)
    after = Budget(settings, replace(before.used, time_ms=7_000))
    assert (after.reached, after.used.time_ms) == (None, 7_000)
    use(after)
    assert after.reached is part
