"""How loud speech is, and where it begins and ends. Sound is 16 kHz PCM."""

import numpy as np
from numpy.typing import NDArray

from server.media.frame import HEARD_SAMPLES

SPEECH = 0.1
"""A frame is speech when its RMS is more than this share of the loud frames': 20 dB softer."""
LOUD = 95
"""The percentile of the frames' RMS that stands for the loud ones."""
EDGE_FRAMES = 2
"""How many frames before the first frame of speech, and after the last one, belong to it: soft consonants."""


def level(pcm: bytes) -> float:
    """The RMS of the speech in the sound, without its pauses. 0 for silence."""
    rms = _rms(pcm)
    speech = rms[_is_speech(rms)]
    return float(np.sqrt(np.mean(speech**2))) if len(speech) else 0.0


def louder(pcm: bytes, factor: float) -> bytes:
    """The sound, `factor` times as loud. What is too loud is clipped."""
    return _clipped(np.frombuffer(pcm, "<i2") * factor)


def mixed(one: bytes, other: bytes) -> bytes:
    """Two sounds of the same length at once."""
    return _clipped(np.frombuffer(one, "<i2").astype(float) + np.frombuffer(other, "<i2"))


def speech_of(pcm: bytes) -> bytes:
    """The sound from its first speech to its last."""
    places = np.flatnonzero(_is_speech(_rms(pcm)))
    if not len(places):
        return b""
    first, after = max(0, int(places[0]) - EDGE_FRAMES), int(places[-1]) + 1 + EDGE_FRAMES
    return pcm[2 * HEARD_SAMPLES * first : 2 * HEARD_SAMPLES * after]


def _rms(pcm: bytes) -> NDArray[np.float64]:
    """Of each frame of 20 ms. The last one may be padded with silence."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    frames = np.pad(samples, (0, -len(samples) % HEARD_SAMPLES)).reshape(-1, HEARD_SAMPLES)
    return np.asarray(np.sqrt(np.mean(frames**2, axis=1)))


def _is_speech(rms: NDArray[np.float64]) -> NDArray[np.bool_]:
    loud = np.percentile(rms, LOUD) if len(rms) else 0.0
    return np.asarray((rms > SPEECH * loud) & (rms > 0))


def _clipped(samples: NDArray[np.float64]) -> bytes:
    return np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()
