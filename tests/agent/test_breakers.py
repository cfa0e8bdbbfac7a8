"""A model that has just failed several times in a row is passed over for some seconds."""

from server.agent.breakers import FAILURES_IN_A_ROW, PAUSE_S, Breaker, Breakers


def broken(at_s: float) -> Breaker:
    """The breaker of a model that has failed so often at this time that it is passed over."""
    breaker = Breaker()
    assert [breaker.fail(at_s) for _ in range(FAILURES_IN_A_ROW)] == [False] * (FAILURES_IN_A_ROW - 1) + [True]
    return breaker


def test_a_model_that_fails_again_and_again_is_passed_over() -> None:
    """It is asked as long as it has failed less often, and passed over from then on, for the pause."""
    breaker = Breaker()
    for _ in range(FAILURES_IN_A_ROW):
        assert breaker.admits(5.0)
        breaker.fail(5.0)
    assert not breaker.admits(5.0)
    assert not breaker.admits(5.0 + PAUSE_S - 0.1)
    assert breaker.admits(5.0 + PAUSE_S)


def test_after_the_pause_one_request_tries_it() -> None:
    """The others pass the model over until that request has succeeded, or until another pause is over."""
    breaker = broken(0.0)
    assert [breaker.admits(PAUSE_S) for _ in range(3)] == [True, False, False]
    assert [breaker.admits(2 * PAUSE_S) for _ in range(3)] == [True, False, False]
    breaker.succeed()
    assert all(breaker.admits(2 * PAUSE_S) for _ in range(3))


def test_a_request_that_tries_it_in_vain_begins_another_pause() -> None:
    """The pause begins when the request fails, and it is not told as news."""
    breaker = broken(0.0)
    assert breaker.admits(PAUSE_S)
    assert not breaker.fail(PAUSE_S + 4)
    assert not breaker.admits(2 * PAUSE_S + 3.9)
    assert breaker.admits(2 * PAUSE_S + 4)


def test_only_failures_in_a_row_count() -> None:
    """A model that succeeds now and then is never passed over."""
    breaker = Breaker()
    for second in range(20):
        breaker.fail(second)
        breaker.fail(second)
        breaker.succeed()
        assert breaker.admits(second)


def test_each_model_has_its_own_breaker() -> None:
    """The failures of one model say nothing about another one, and calls share the breaker of a model."""
    breakers = Breakers()
    for _ in range(FAILURES_IN_A_ROW):
        breakers.of("a").fail(0.0)
    assert (breakers.of("a").admits(0.0), breakers.of("b").admits(0.0)) == (False, True)
