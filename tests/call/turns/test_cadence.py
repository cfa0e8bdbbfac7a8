import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.cadence import Cadence
from server.media.frame import HEARD_BYTES
from tests.voices import hum, speak, speak_parts

PHRASE_HZ = [120, 130, 140, 150, 145, 140, 150, 140, 130, 135, 130, 125]
FALL_HZ = [*PHRASE_HZ, 115, 105, 98, 92, 88, 85]
STAY_HZ = [*PHRASE_HZ, 128, 130, 132, 134, 136, 140]


def heard(pcm: bytes) -> Cadence:
    """The cadence after all frames that are as loud as a voice."""
    cadence = Cadence()
    for start in range(0, len(pcm) - HEARD_BYTES + 1, HEARD_BYTES):
        frame = pcm[start : start + HEARD_BYTES]
        if np.abs(np.frombuffer(frame, "<i2")).max() > 300:
            cadence.hear(frame)
    return cadence


def over(pcm: bytes) -> float:
    probability = heard(pcm).over()
    assert probability is not None
    return probability


def test_a_voice_that_has_come_down_sounds_over() -> None:
    """A voice at the bottom of its range sounds over. A voice above it sounds as if it went on."""
    assert over(hum(FALL_HZ)) > 0.6
    assert over(hum(STAY_HZ)) < 0.4


def test_a_higher_voice_is_judged_the_same() -> None:
    """A voice is judged by the range of its own speaker."""
    low, high = (over(hum([factor * hz for hz in FALL_HZ])) for factor in (0.8, 1.8))
    assert low == pytest.approx(high, abs=0.1)


def test_a_louder_voice_is_judged_the_same() -> None:
    """The distance of the microphone does not matter."""
    assert over(hum(FALL_HZ, level=12_000)) == pytest.approx(over(hum(FALL_HZ, level=1_500)), abs=0.02)


@pytest.mark.parametrize("voice", ["en-us", "en-gb+f3"])
def test_a_whole_sentence_is_told_from_a_beginning(voice: str) -> None:
    """The same words sound over at the end of a sentence, and less so where the sentence goes on."""
    begun, _ = speak_parts(("i want to cancel my order", "and to book a room for tuesday"), voice)
    assert over(speak("i want to cancel my order", voice)) > over(begun) + 0.15


def test_the_last_sound_of_a_word_may_have_no_pitch() -> None:
    """A consonant at the end counts as sound without a pitch, and the last pitch is taken from before it."""
    hiss = np.random.default_rng(1).normal(0, 1_500, HEARD_BYTES * 3).astype("<i2").tobytes()
    ending = heard(hum(FALL_HZ) + hiss).ending()
    assert ending is not None
    assert ending.unpitched_ms == pytest.approx(120, abs=20)
    assert ending.above_low < 0.5


def test_too_little_voice_tells_nothing() -> None:
    """A very short voice has no probability, and neither has a hiss."""
    hiss = np.random.default_rng(1).normal(0, 3_000, HEARD_BYTES * 5).astype("<i2").tobytes()
    assert heard(hum([120] * 3)).over() is None
    assert heard(hiss).over() is None
    assert Cadence().over() is None


def test_a_rest_forgets_the_voice() -> None:
    """After a rest the next utterance is judged without the one before."""
    cadence = heard(hum(FALL_HZ))
    cadence.rest()
    assert cadence.over() is None


@given(st.lists(st.binary(min_size=HEARD_BYTES, max_size=HEARD_BYTES), max_size=20))
def test_any_sound_has_a_probability_or_none(frames: list[bytes]) -> None:
    """Any sound of a microphone has a probability between 0 and 1, or None."""
    cadence = Cadence()
    for frame in frames:
        cadence.hear(frame)
    probability = cadence.over()
    assert probability is None or 0 <= probability <= 1
