import pytest

from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.habit import Habit, PauseSound

SETTINGS = EndpointSettings()
HIGH_END, HIGH_PAUSE = (PauseSound("i like books", over) for over in (0.45, 0.3))
"""The sounds of a caller who ends high, and goes on higher."""


def wait_ms(habit: Habit, sound: PauseSound) -> float:
    return enough_silence_ms(Pause(sound.text, over=habit.over(sound), falls=habit.falls), SETTINGS)


def test_a_new_caller_is_judged_by_the_cadence() -> None:
    """Before anything is learned, the probability of the cadence is not changed."""
    assert Habit().over(HIGH_END) == pytest.approx(HIGH_END.over)


def test_a_caller_who_always_ends_high_is_soon_known() -> None:
    """Each true end with a high voice makes the next wait shorter, in the end shorter than with words alone."""
    habit, waits = Habit(), []
    for _ in range(5):
        waits.append(wait_ms(habit, HIGH_END))
        habit.was_done(HIGH_END)
    assert waits == sorted(set(waits), reverse=True)
    assert waits[0] > SETTINGS.complete_ms > waits[-1]


def test_a_caller_who_pauses_low_is_waited_for() -> None:
    """Low pauses make the next wait longer. When both ends and pauses are low, the middle between them decides."""
    habit, low = Habit(), PauseSound("i like books", 0.7)
    before_ms = wait_ms(habit, low)
    for _ in range(20):
        habit.went_on(low)
    assert before_ms == SETTINGS.shortest_ms < wait_ms(habit, low)
    for _ in range(20):
        habit.was_done(PauseSound("i like books", 0.95))
    assert habit.over(low) < 0.5 < habit.over(PauseSound("i like books", 0.9))


def test_a_rise_is_a_sign_of_going_on_for_a_caller_who_asks_with_a_fall() -> None:
    """After a rise, a caller who asks with a fall is waited for longer, but never as long as after a statement."""
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
    """Yes-or-no questions change no habit, because every voice rises there."""
    habit = Habit()
    for over in (0.1, 0.9):
        habit.was_done(PauseSound("are you open", over))
        habit.went_on(PauseSound("are you open", over))
    assert (habit.falls, habit.over(HIGH_END)) == (0, pytest.approx(HIGH_END.over))


def test_habits_fade() -> None:
    """However old a habit is, twenty examples of another one replace it."""
    habit = Habit()
    for _ in range(1_000):
        habit.was_done(PauseSound("where is my order", 0.9))
    assert habit.falls > 0.9
    for _ in range(20):
        habit.was_done(PauseSound("where is my order", 0.1))
    assert habit.falls < 0.5
