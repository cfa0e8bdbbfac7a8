from collections.abc import Callable

import pytest

from server.call.turns.sound import BEFORE_FRAMES, KEPT_FRAMES, Sound
from server.media.frame import HEARD_BYTES
from tests.voices import hum

VOICE = [hum([hz]) for hz in (120, 130, 140, 150, 140, 130, 120, 110, 100, 90)]
QUIET = bytes(HEARD_BYTES)


class SlowModel:
    """An endpoint model that answers when the test calls `tell`."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Callable[[float | None], None]]] = []
        self.forgotten = 0

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        self.asked.append((pcm, tell))
        return self._forget

    def _forget(self) -> None:
        self.forgotten += 1


def speak(sound: Sound, frames: int = len(VOICE)) -> None:
    for number in range(frames):
        sound.hear(VOICE[number % len(VOICE)], voiced=True, active=True)


def pause(sound: Sound, frames: int = 5) -> None:
    for _ in range(frames):
        sound.hear(QUIET, voiced=False, active=True)
        sound.ask()


def test_without_a_model_nothing_tells() -> None:
    """Without an endpoint model only the words count."""
    sound = Sound()
    speak(sound)
    pause(sound)
    assert sound.over is None


def test_a_model_is_asked_once_for_each_pause() -> None:
    """Once in each pause, the endpoint model is given the whole utterance so far, with the first frame of the pause."""
    model = SlowModel()
    sound = Sound(model)
    for _ in range(2):
        speak(sound)
        pause(sound)
    assert [len(pcm) // HEARD_BYTES for pcm, _ in model.asked] == [11, 26]


@pytest.mark.parametrize("answer", [0.97, None])
def test_it_is_known_whether_the_model_still_works(answer: float | None) -> None:
    """From the question until the answer, also when the answer is that the model cannot tell."""
    model = SlowModel()
    sound = Sound(model)
    speak(sound)
    assert not sound.judging
    pause(sound)
    assert sound.judging
    model.asked[0][1](answer)
    assert not sound.judging
    assert sound.over == answer


def test_the_model_is_believed_when_it_has_answered() -> None:
    """With an endpoint model nothing tells until the model has answered; then the model does."""
    model = SlowModel()
    sound = Sound(model)
    speak(sound)
    pause(sound)
    assert sound.over is None
    model.asked[0][1](0.97)
    assert sound.over == 0.97


@pytest.mark.parametrize("answers", [True, False])
def test_a_model_need_not_answer_when_the_caller_goes_on(answers: bool) -> None:
    """The model is told once that its answer is not wanted any more, unless it has answered."""
    model = SlowModel()
    sound = Sound(model)
    speak(sound)
    pause(sound)
    if answers:
        model.asked[0][1](0.97)
    speak(sound)
    sound.rest()
    assert model.forgotten == (not answers)


@pytest.mark.parametrize("rests", [True, False])
def test_what_is_told_of_an_earlier_pause_is_not_believed(rests: bool) -> None:
    """An answer of the endpoint model is ignored when the caller has gone on, or when the utterance is over."""
    model = SlowModel()
    sound = Sound(model)
    speak(sound)
    pause(sound)
    if rests:
        sound.rest()
    speak(sound)
    model.asked[0][1](0.97)
    pause(sound)
    assert sound.over is None


def test_what_is_kept_is_bounded() -> None:
    """The endpoint model gets eight seconds of an utterance at most, and half a second from before it."""
    model = SlowModel()
    sound = Sound(model)
    speak(sound, KEPT_FRAMES + 50)
    pause(sound, 1)
    assert len(model.asked[0][0]) == KEPT_FRAMES * HEARD_BYTES
    for _ in range(100):
        sound.hear(QUIET, voiced=False, active=False)
    pause(sound, 1)
    assert len(model.asked[1][0]) == (BEFORE_FRAMES + 1) * HEARD_BYTES
