import numpy as np
import pytest

from server.call.turns.pitch import Pitches, halved, semitones
from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES
from tests.voices import hum


def pitches(pcm: bytes) -> Pitches:
    """At each border of its frames."""
    return semitones(halved(pcm))


@pytest.mark.parametrize("hz", [70, 100, 142, 220, 350])
def test_a_voice_has_its_pitch(hz: float) -> None:
    """Voices of men, women and children are heard within a tenth of a semitone, or two at the high end."""
    assert pitches(hum([hz, hz])[: 2 * HEARD_BYTES]) == pytest.approx([12 * np.log2(hz / 100)], abs=0.2)


def test_a_loud_overtone_is_not_the_pitch() -> None:
    """As in many vowels of low voices: the fifth harmonic has twice the power."""
    times = np.arange(2 * HEARD_SAMPLES) / HEARD_RATE
    sound = np.sin(2 * np.pi * 100 * times) + 1.5 * np.sin(2 * np.pi * 500 * times)
    assert pitches((3_000 * sound).astype("<i2").tobytes()) == pytest.approx([0], abs=0.2)


def test_breath_and_silence_have_none() -> None:
    """Noise has no period, and nothing has none."""
    noise = np.random.default_rng(1).normal(0, 3_000, 2 * HEARD_SAMPLES).astype("<i2").tobytes()
    assert np.isnan(pitches(noise + bytes(2 * HEARD_BYTES))).all()


def test_frames_do_not_know_of_each_other() -> None:
    """Many at once have the pitches that each two that follow each other have by themselves."""
    pcm = hum([120, 150, 90, 200, 110, 180])
    alone = [pitches(pcm[start : start + 2 * HEARD_BYTES]) for start in range(0, len(pcm) - HEARD_BYTES, HEARD_BYTES)]
    assert pitches(pcm) == pytest.approx(np.concatenate(alone), abs=1e-6, nan_ok=True)


def test_half_the_rate_is_enough() -> None:
    """20 ms are 160 samples of 8 kHz."""
    assert len(halved(bytes(HEARD_BYTES))) == HEARD_RATE // 100
