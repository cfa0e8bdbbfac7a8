"""How long requests wait for an engine. Times are seconds."""

import pytest

from server.telemetry.last_use import LastUse
from server.telemetry.waits import LATELY_S, MAX_ENDED, Waits


def test_nothing_waits() -> None:
    """Without a request there is no wait."""
    waits = Waits()
    assert (len(waits), waits.oldest_s(10), waits.longest_s(10)) == (0, 0, 0)


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
    assert waits.longest_s(3 + LATELY_S) == 3
    assert waits.longest_s(3.01 + LATELY_S) == 0


def test_what_is_remembered_is_bounded() -> None:
    """However many requests there are, only the last waits are kept."""
    waits = Waits()
    waits.end(waits.begin(0), 9)
    for _ in range(MAX_ENDED):
        waits.end(waits.begin(9), 9.5)
    assert waits.longest_s(9.5) == pytest.approx(0.5)


def test_the_last_use_tells_the_state() -> None:
    """A failure is shown until the next success. The count of failures never goes down."""
    use = LastUse()
    assert use.check() == ""
    use.fail("It took too long.")
    assert use.check() == "It took too long."
    use.succeed()
    assert (use.check(), use.failures) == ("", 1)
