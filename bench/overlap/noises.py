"""Computes sounds that are not words, as 16 kHz PCM. The same seed makes the same sound."""

import numpy as np
from numpy.typing import NDArray

from server.media.frame import HEARD_RATE

LEVEL = 9_000
"""The peak, where full scale is 32767: as loud as speech into a telephone."""
Sound = NDArray[np.float64]


def cough(seed: int) -> bytes:
    """Two bursts of breath, the second softer, from 300 to 3,000 Hz."""
    rng = np.random.default_rng(seed)
    first = _band(rng, 0.22 + 0.02 * (seed % 4), 300, 3_000) * _fall(0.22 + 0.02 * (seed % 4), 0.07)
    second = 0.6 * _band(rng, 0.18, 300, 2_500) * _fall(0.18, 0.06)
    return _pcm(np.concatenate([first, np.zeros(HEARD_RATE * 120 // 1000), second]))


def door(seed: int) -> bytes:
    """The slam of a door: a crack, after which the room hums for a quarter of a second."""
    rng = np.random.default_rng(seed)
    thump = _band(rng, 0.35, 50, 220) * _fall(0.35, 0.08)
    thump[: HEARD_RATE // 50] += 1.5 * _band(rng, 0.02, 200, 5_000) * _fall(0.02, 0.005)
    return _pcm(thump)


def keys(seed: int) -> bytes:
    """One and a half seconds of typing: clicks of a few ms, five to nine in a second."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(HEARD_RATE * 3 // 2)
    place = 0
    while place < len(sound) - HEARD_RATE // 50:
        sound[place : place + HEARD_RATE // 50] += _band(rng, 0.02, 1_000, 6_000) * _fall(0.02, 0.003)
        place += int(HEARD_RATE * rng.uniform(0.11, 0.2))
    return _pcm(sound)


def hum(seed: int) -> bytes:
    """ "Mm-hm" with closed lips: two hums of 90 to 230 Hz with a breath between them. The second is higher."""
    rng = np.random.default_rng(seed)
    pitch_hz = 90 + 20 * (seed % 8)
    breath = 0.1 * _band(rng, 0.06, 300, 2_000)
    return _pcm(np.concatenate([_nasal(rng, pitch_hz, 0.14), breath, _nasal(rng, 1.25 * pitch_hz, 0.22)]))


def _nasal(rng: np.random.Generator, pitch_hz: float, seconds: float) -> Sound:
    """Harmonics that get softer by 12 dB an octave above a resonance at 260 Hz, and tremble a little."""
    times_s = np.arange(round(seconds * HEARD_RATE)) / HEARD_RATE
    wander = 1 + 0.02 * np.sin(2 * np.pi * 5 * times_s + rng.uniform(0, 6)) + 0.1 * times_s / seconds
    phase = 2 * np.pi * np.cumsum(pitch_hz * wander) / HEARD_RATE
    harmonics = range(1, int(2_500 / pitch_hz))
    sound = sum((np.sin(n * phase) / (1 + (n * pitch_hz / 260) ** 2) for n in harmonics), np.zeros(len(times_s)))
    rise_and_fall = np.minimum(1, np.minimum(times_s, seconds - times_s) / 0.04)
    return np.asarray(sound / np.abs(sound).max() * rise_and_fall)


def _band(rng: np.random.Generator, seconds: float, low_hz: int, high_hz: int) -> Sound:
    """Noise between two frequencies, with a peak of 1."""
    count = round(seconds * HEARD_RATE)
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hz = np.fft.rfftfreq(count, 1 / HEARD_RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    sound = np.fft.irfft(spectrum, count)
    return np.asarray(sound / np.abs(sound).max())


def _fall(seconds: float, time_constant_s: float) -> Sound:
    """A gain that rises to 1 within 4 ms, and then falls exponentially."""
    times_s = np.arange(round(seconds * HEARD_RATE)) / HEARD_RATE
    return np.asarray(np.exp(-times_s / time_constant_s) * np.minimum(1, times_s / 0.004))


def _pcm(sound: Sound) -> bytes:
    return (LEVEL * np.clip(sound, -3, 3)).clip(-32_768, 32_767).astype("<i2").tobytes()
