import pytest

from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.habit import Habit, PauseSound

SETTINGS = EndpointSettings()
HIGH_END, HIGH_PAUSE = (PauseSound("i like books", over) for over in (0.45, 0.3))
"""Of a person who ends high, and goes on higher."""


def wait_ms(habit: Habit, rest: PauseSound) -> float:
    return enough_silence_ms(Pause(rest.text, over=habit.over(rest), falls=habit.falls), SETTINGS)


def test_who_is_new_sounds_as_they_sound() -> None:
    """Nothing is known of them."""
    assert Habit().over(HIGH_END) == pytest.approx(HIGH_END.over)


def test_who_always_ends_high_is_soon_known() -> None:
    """Each end that was one makes the next wait shorter, down to that of a sentence without sound."""
    habit, waits = Habit(), []
    for _ in range(5):
        waits.append(wait_ms(habit, HIGH_END))
        habit.was_done(HIGH_END)
    assert waits == sorted(set(waits), reverse=True)
    assert waits[0] > SETTINGS.complete_ms > waits[-1]


def test_who_pauses_low_is_waited_for() -> None:
    """A pause that was waited out makes such pauses longer, and in a person who does both the middle decides."""
    habit, low = Habit(), PauseSound("i like books", 0.7)
    before_ms = wait_ms(habit, low)
    for _ in range(20):
        habit.went_on(low)
    assert before_ms == SETTINGS.shortest_ms < wait_ms(habit, low)
    for _ in range(20):
        habit.was_done(PauseSound("i like books", 0.95))
    assert habit.over(low) < 0.5 < habit.over(PauseSound("i like books", 0.9))


def test_a_rise_is_doubt_for_who_asks_with_a_fall() -> None:
    """Who lets such questions fall may go on after a rise, and is never kept waiting as who states something."""
    habit, risen = Habit(), PauseSound("where is my order", 0.4)
    assert wait_ms(habit, risen) == SETTINGS.asking_ms
    habit.was_done(PauseSound("what time is it", 0.8))
    doubted_ms = wait_ms(habit, risen)
    habit.was_done(risen)
    assert SETTINGS.asking_ms < wait_ms(habit, risen) < doubted_ms
    for _ in range(20):
        habit.was_done(PauseSound("what time is it", 0.8))
    assert wait_ms(habit, PauseSound("where is my order", 0.01)) == SETTINGS.begun_ms < SETTINGS.longest_ms


def test_what_is_answered_by_yes_or_no_teaches_nothing() -> None:
    """Everybody's voice rises there."""
    habit = Habit()
    for over in (0.1, 0.9):
        habit.was_done(PauseSound("are you open", over))
        habit.went_on(PauseSound("are you open", over))
    assert (habit.falls, habit.over(HIGH_END)) == (0, pytest.approx(HIGH_END.over))


def test_habits_fade() -> None:
    """However long somebody has been one way, twenty examples of another are believed."""
    habit = Habit()
    for _ in range(1_000):
        habit.was_done(PauseSound("where is my order", 0.9))
    assert habit.falls > 0.9
    for _ in range(20):
        habit.was_done(PauseSound("where is my order", 0.1))
    assert habit.falls < 0.5
