"""How long requests wait for an engine. Times are seconds."""

import pytest

from server.telemetry.last_use import LastUse
from server.telemetry.waits import LATELY_S, MAX_ENDED, REMEMBERED_S, Waits, expected_s


def test_nothing_waits() -> None:
    """Without a request there is no wait."""
    waits = Waits()
    assert (len(waits), waits.oldest_s(10), waits.lately_s(10)) == (0, 0, None)


def test_the_oldest_wait_is_the_one_that_began_first() -> None:
    """The oldest wait is that of the request that began first, until it has its answer."""
    waits = Waits()
    first, second = waits.begin(1), waits.begin(2)
    assert (len(waits), waits.oldest_s(5)) == (2, 4)
    assert waits.end(first, 5) == 4
    assert (len(waits), waits.oldest_s(6)) == (1, 4)
    assert waits.end(second, 6) == 4
    assert waits.oldest_s(7) == 0


def test_a_wait_that_has_ended_counts_for_a_while() -> None:
    """An engine for which a request has waited just now does not look idle, although no request waits at the moment."""
    waits = Waits()
    waits.end(waits.begin(0), 3)
    waits.end(waits.begin(3), 4)
    assert waits.lately_s(3 + LATELY_S) == 3
    assert waits.lately_s(3.01 + LATELY_S) == 1


def test_the_last_wait_counts_for_longer() -> None:
    """Somebody who asks seldom counts by the last wait, until that is too long ago."""
    waits = Waits()
    waits.end(waits.begin(0), 3)
    waits.end(waits.begin(3), 4)
    assert waits.lately_s(4 + REMEMBERED_S) == 1
    assert waits.lately_s(4.01 + REMEMBERED_S) is None
    waits.begin(100)
    assert waits.lately_s(102) == 2


def test_what_is_remembered_is_bounded() -> None:
    """However many requests there are, only the last waits are kept."""
    waits = Waits()
    waits.end(waits.begin(0), 9)
    for _ in range(MAX_ENDED):
        waits.end(waits.begin(9), 9.5)
    assert waits.lately_s(9.5) == pytest.approx(0.5)


def waited(*seconds: float) -> list[Waits]:
    """So many callers, each of whom waits and has been waiting for so long by second 100."""
    callers = [Waits() for _ in seconds]
    for waits, wait_s in zip(callers, seconds, strict=True):
        waits.begin(100 - wait_s)
    return callers


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([], 0),
        ([9], 0),
        ([9, 8], 8),
        ([9, 1], 1),
        ([9, 8, 1], 1),
        ([9, 9, 9, 1], 9),
        ([9, 9, 1, 1], 1),
        ([30] * 10 + [0.3, 0.4, 0.5, 0.6], 0.6),
        ([30] * 10 + [3, 4, 5, 6], 6),
        ([3] * 8, 3),
    ],
)
def test_a_new_caller_waits_like_the_quarter_that_is_served_best(waits: list[float], expected: float) -> None:
    """Ten callers who wait for their own long speech are no overload. That everybody waits is one."""
    assert expected_s(waited(*waits), 100) == pytest.approx(expected)


def test_who_has_not_asked_lately_does_not_count() -> None:
    """Callers who have not asked for anything tell nothing about how long one waits."""
    assert expected_s([*waited(9, 9), *(Waits() for _ in range(9))], 100) == pytest.approx(9)


def test_the_last_use_tells_the_state() -> None:
    """A failure is shown until the next success. The count of failures never goes down."""
    use = LastUse()
    assert use.check() == ""
    use.fail("It took too long.")
    assert use.check() == "It took too long."
    use.succeed()
    assert (use.check(), use.failures) == ("", 1)
