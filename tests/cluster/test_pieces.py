"""Where a long recording is cut."""

import numpy as np
import pytest

from server.cluster.speech.pieces import LONGEST_S, SOONEST_S, pieces
from server.media.frame import HEARD_RATE

SECOND = 2 * HEARD_RATE


def noise(seconds: float) -> bytes:
    samples = np.random.default_rng(1).integers(-3_000, 3_000, round(seconds * HEARD_RATE))
    return samples.astype("<i2").tobytes()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 20.0, float(LONGEST_S)])
def test_a_short_recording_stays_whole(seconds: float) -> None:
    """What one pass hears is one piece."""
    pcm = noise(seconds)
    assert pieces(pcm) == [pcm]


def test_a_long_recording_is_cut_in_its_pauses() -> None:
    """Each piece ends in the quietest moment in which it may end, and nothing is lost."""
    pcm = noise(22.0) + bytes(SECOND // 2) + noise(24.0) + bytes(SECOND // 2) + noise(5.0)
    cut = pieces(pcm)
    assert b"".join(cut) == pcm
    assert [len(piece) / SECOND for piece in cut] == pytest.approx([22.25, 24.5, 5.25], abs=0.3)


def test_sound_without_a_pause_is_cut_all_the_same() -> None:
    """No piece is longer than what one pass hears, and none ends too soon, or inside a sample."""
    pcm = noise(101.03)
    cut = pieces(pcm)
    assert b"".join(cut) == pcm
    assert all(SOONEST_S * SECOND <= len(piece) <= LONGEST_S * SECOND for piece in cut[:-1])
    assert all(len(piece) % 2 == 0 for piece in cut)
