"""How much of an engine each call has used lately."""

import pytest

from server.speech.shares import LATELY_S, Shares


def test_what_was_used_is_forgotten_in_time() -> None:
    """What was used adds up, and a third of it is left after ten seconds."""
    shares = Shares()
    shares.charge("a", 1.0, 100.0)
    shares.charge("a", 1.0, 100.0)
    shares.charge("b", 0.5, 100.0)
    assert (shares.used_s("a", 100.0), shares.used_s("b", 100.0), shares.used_s("c", 100.0)) == (2.0, 0.5, 0.0)
    assert shares.used_s("a", 100.0 + LATELY_S) == pytest.approx(2.0 / 2.718, rel=0.001)
    assert not shares.is_alone("a")


def test_calls_that_are_over_leave_nothing() -> None:
    """A call that has used nothing for long is forgotten, so a worker may serve any number of calls."""
    shares = Shares()
    for number in range(1_000):
        shares.charge(f"call {number}", 1.0, 100.0 * number)
    assert shares.is_alone("call 999")
