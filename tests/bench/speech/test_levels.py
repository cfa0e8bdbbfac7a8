"""How loud speech is, and where it begins."""

import numpy as np
import pytest

from bench.speech.levels import level, louder, mixed, speech_of
from server.media.frame import FRAME_MS, HEARD_BYTES
from tests.voices import hum, silence

VOICE = hum([150] * 25)


def test_pauses_do_not_make_speech_softer() -> None:
    """The level is the same with silence around. Twice as loud is twice the level, and silence has none."""
    assert level(silence(1) + VOICE + silence(3)) == pytest.approx(level(VOICE), rel=0.01)
    assert level(louder(VOICE, 0.5)) == pytest.approx(level(VOICE) / 2, rel=0.01)
    assert level(silence(1)) == level(b"") == 0


def test_speech_is_cut_out_of_its_silence() -> None:
    """What is left begins and ends 40 ms from the voice. Soft noise in the room is no speech."""
    noise = np.random.default_rng(0).normal(0, 20, 16_000).astype("<i2").tobytes()
    cut = speech_of(noise + VOICE + noise)
    assert len(cut) == len(VOICE) + 4 * HEARD_BYTES
    assert cut[2 * HEARD_BYTES : -2 * HEARD_BYTES] == VOICE
    assert speech_of(silence(1)) == b""
    assert FRAME_MS == 20


def test_two_sounds_at_once_are_clipped() -> None:
    """The sum never wraps around."""
    loud = np.full(HEARD_BYTES // 2, 30_000, "<i2").tobytes()
    assert set(np.frombuffer(mixed(loud, loud), "<i2")) == {32_767}
