import numpy as np
import pytest

from server.call.turns.pitch import Pitches, halved, semitones
from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES
from tests.voices import hum


def pitches(pcm: bytes) -> Pitches:
    """The pitch at each border between two frames."""
    return semitones(halved(pcm))


@pytest.mark.parametrize("hz", [70, 100, 142, 220, 350])
def test_a_voice_has_its_pitch(hz: float) -> None:
    """The pitch of men, women and children is found to within two tenths of a semitone."""
    assert pitches(hum([hz, hz])[: 2 * HEARD_BYTES]) == pytest.approx([12 * np.log2(hz / 100)], abs=0.2)


def test_a_loud_overtone_is_not_the_pitch() -> None:
    """An overtone with twice the power, as in many vowels of low voices, is not taken for the pitch."""
    times = np.arange(2 * HEARD_SAMPLES) / HEARD_RATE
    sound = np.sin(2 * np.pi * 100 * times) + 1.5 * np.sin(2 * np.pi * 500 * times)
    assert pitches((3_000 * sound).astype("<i2").tobytes()) == pytest.approx([0], abs=0.2)


def test_breath_and_silence_have_none() -> None:
    """Noise and silence have no pitch."""
    noise = np.random.default_rng(1).normal(0, 3_000, 2 * HEARD_SAMPLES).astype("<i2").tobytes()
    assert np.isnan(pitches(noise + bytes(2 * HEARD_BYTES))).all()


def test_many_frames_at_once_have_the_same_pitches() -> None:
    """To analyse many frames at once gives the same pitches as to analyse each pair alone."""
    pcm = hum([120, 150, 90, 200, 110, 180])
    alone = [pitches(pcm[start : start + 2 * HEARD_BYTES]) for start in range(0, len(pcm) - HEARD_BYTES, HEARD_BYTES)]
    assert pitches(pcm) == pytest.approx(np.concatenate(alone), abs=1e-6, nan_ok=True)


def test_half_the_rate_is_enough() -> None:
    """Halved, 20 ms have 160 samples, at 8 kHz."""
    assert len(halved(bytes(HEARD_BYTES))) == HEARD_RATE // 100
