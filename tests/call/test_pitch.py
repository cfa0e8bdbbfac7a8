import numpy as np
import pytest

from server.call.pitch import halved, semitones
from server.media.frame import HEARD_RATE, HEARD_SAMPLES
from tests.voices import hum


@pytest.mark.parametrize("hz", [70, 100, 142, 220, 350])
def test_a_voice_has_its_pitch(hz: float) -> None:
    """Voices of men, women and children are heard within a tenth of a semitone, or two at the high end."""
    first, second = (halved(hum([hz, hz])[2 * HEARD_SAMPLES * n :][: 2 * HEARD_SAMPLES]) for n in (0, 1))
    heard = semitones(second, first)
    assert heard == pytest.approx(12 * np.log2(hz / 100), abs=0.2)


def test_a_loud_overtone_is_not_the_pitch() -> None:
    """As in many vowels of low voices: the fifth harmonic has twice the power."""
    times = np.arange(2 * HEARD_SAMPLES) / HEARD_RATE
    sound = np.sin(2 * np.pi * 100 * times) + 1.5 * np.sin(2 * np.pi * 500 * times)
    pcm = (3_000 * sound).astype("<i2").tobytes()
    assert semitones(halved(pcm[2 * HEARD_SAMPLES :]), halved(pcm[: 2 * HEARD_SAMPLES])) == pytest.approx(0, abs=0.2)


def test_breath_and_silence_have_none() -> None:
    """Noise has no period, and nothing has none."""
    noise = np.random.default_rng(1).normal(0, 3_000, 2 * HEARD_SAMPLES).astype("<i2").tobytes()
    first, second = (halved(noise[2 * HEARD_SAMPLES * n :][: 2 * HEARD_SAMPLES]) for n in (0, 1))
    assert semitones(second, first) is None
    assert semitones(halved(bytes(2 * HEARD_SAMPLES))) is None


def test_half_the_rate_is_enough() -> None:
    """20 ms are 160 samples of 8 kHz."""
    assert len(halved(bytes(2 * HEARD_RATE // 50))) == HEARD_RATE // 100
