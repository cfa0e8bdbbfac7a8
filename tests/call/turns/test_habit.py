from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.habit import MOST, Habit


def test_a_new_caller_is_waited_for_as_the_settings_say() -> None:
    """Endpoints that were right change nothing."""
    habit = Habit()
    for _ in range(5):
        habit.ended()
    assert habit.stretch == 1


def test_a_caller_who_was_cut_off_is_given_more_time() -> None:
    """Each cut makes the waits longer; endpoints that were right make them shorter again, step by step."""
    habit = Habit()
    seen = [habit.stretch]
    for _ in range(2):
        habit.ended()
        habit.went_on()
        seen.append(habit.stretch)
    assert seen == sorted(set(seen))
    habit.ended()
    assert 1 < habit.stretch < seen[-1]


def test_without_an_endpoint_nobody_was_cut_off() -> None:
    """A caller who speaks over a greeting, or once more after one endpoint, was not cut off by another endpoint."""
    habit = Habit()
    habit.went_on()
    assert habit.stretch == 1
    habit.ended()
    habit.went_on()
    stretch = habit.stretch
    habit.went_on()
    assert habit.stretch == stretch


@given(st.lists(st.booleans(), max_size=100))
def test_what_is_learned_has_bounds(cuts: list[bool]) -> None:
    """Whatever happens, no wait becomes shorter than the settings say, nor longer than twice that."""
    habit = Habit()
    for cut in cuts:
        habit.ended()
        if cut:
            habit.went_on()
        assert 1 <= habit.stretch <= MOST
