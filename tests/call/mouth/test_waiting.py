"""When the agent says something while the caller waits, and what."""

from dataclasses import dataclass

from server.call.mouth.waiting import Waiting, WaitingSettings


@dataclass(frozen=True)
class Line:
    text: str


LINES = [Line("One moment."), Line("I am still there."), Line("")]


def silence(waiting: Waiting, frames: int) -> list[int]:
    """Wait for so many frames; returns those after which a line was due. Each time it is said."""
    due = []
    for frame in range(frames):
        if waiting.tick(silent=True):
            due.append(frame + 1)
            waiting.choose(LINES)
    return due


def test_a_line_is_due_after_a_second_and_another_one_much_later() -> None:
    """There are two lines, and none is said twice in one answer."""
    waiting = Waiting(WaitingSettings(first_s=1.0, again_s=3.0))
    assert silence(waiting, 300)[:2] == [50, 200]
    assert waiting.choose(LINES) is None
    waiting.begin()
    assert silence(waiting, 60) == [50]


def test_sound_and_an_answer_count_anew() -> None:
    """What is heard meanwhile ends the silence."""
    waiting = Waiting(WaitingSettings(first_s=1.0))
    assert silence(waiting, 49) == []
    assert not waiting.tick(silent=False)
    assert silence(waiting, 49) == []


def test_the_next_answer_begins_with_another_line() -> None:
    """If there is only one, it is said again."""
    waiting = Waiting(WaitingSettings())
    assert waiting.choose(LINES) == Line("One moment.")
    waiting.begin()
    assert waiting.choose(LINES) == Line("I am still there.")
    waiting.begin()
    assert waiting.choose([Line("I am still there.")]) == Line("I am still there.")


def test_zero_is_silence() -> None:
    """With 0 nothing is ever due."""
    assert silence(Waiting(WaitingSettings(first_s=0)), 2_000) == []
