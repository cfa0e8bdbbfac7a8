"""Sounds without words, of the kinds that a microphone hears: 40 clips of 16 kHz PCM, always the same."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.overlap.noises import cough, door, hum, keys
from server.media.frame import HEARD_RATE

Sound = NDArray[np.float64]
_SCALE = (0, 3, 5, 7, 10, 12, 15)
"""Semitones of a melody."""


def noises() -> Iterator[tuple[str, bytes]]:
    """The name and the sound of each clip."""
    for seed in range(4):
        yield from ((f"{make.__name__} {seed}", make(seed)) for make in (cough, door, keys, hum))
        yield f"music {seed}", _pcm(_melody(seed), 8_000)
    rng = np.random.default_rng(1)
    for peak in (100, 1_000, 5_000):
        yield f"hiss {peak}", _pcm(rng.normal(0, 1, 2 * HEARD_RATE), peak)
    for peak in (800, 4_000, 12_000):
        yield f"breath {peak}", _pcm(_band(rng, 1.2, 300, 3_500) * np.sin(np.pi * _times(1.2) / 1.2) ** 2, peak)
    for hz in (50, 120, 440, 2_100):
        yield f"tone {hz}", _pcm(_tone(hz, 2.0), 6_000)
    yield "telephone key", _pcm(_tone(770, 0.3) + _tone(1_336, 0.3), 9_000)
    yield "ringing", _pcm((_tone(440, 2.0) + _tone(480, 2.0)) * (_times(2.0) % 0.1 < 0.05), 9_000)
    yield "rumble", _pcm(_band(rng, 3.0, 20, 200), 9_000)
    yield "wind", _pcm(_band(rng, 3.0, 20, 800) * (1 + np.sin(2 * np.pi * 0.7 * _times(3.0))), 9_000)
    yield "traffic", _pcm(_band(rng, 5.0, 50, 1_500) * (1.2 + np.sin(2 * np.pi * 0.3 * _times(5.0))), 5_000)
    yield "click", _pcm(np.concatenate([np.zeros(4_000), [1.0, -1.0], np.zeros(4_000)]), 20_000)
    claps = rng.normal(0, 1, 2 * HEARD_RATE)
    yield "applause", _pcm(claps * (rng.random(len(claps)) < 0.02), 15_000)
    for seconds in (0.3, 2.0, 10.0):
        yield f"silence {seconds}", bytes(round(seconds * HEARD_RATE) * 2)


def _melody(seed: int) -> Sound:
    """Four seconds of plucked notes, four in a second."""
    chance = np.random.default_rng(seed)
    return np.concatenate([_pluck(220 * 2 ** (chance.choice(_SCALE) / 12)) for _ in range(16)])


def _pluck(hz: float) -> Sound:
    times_s = _times(0.25)
    harmonics = [np.sin(2 * np.pi * hz * number * times_s) / number for number in (1, 2, 3, 4)]
    return np.asarray(np.sum(harmonics, axis=0) * np.exp(-5 * times_s))


def _tone(hz: float, seconds: float) -> Sound:
    return np.asarray(np.sin(2 * np.pi * hz * _times(seconds)))


def _band(rng: np.random.Generator, seconds: float, low_hz: int, high_hz: int) -> Sound:
    count = len(_times(seconds))
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hz = np.fft.rfftfreq(count, 1 / HEARD_RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, count))


def _times(seconds: float) -> Sound:
    return np.arange(round(seconds * HEARD_RATE)) / HEARD_RATE


def _pcm(sound: Sound, peak: int) -> bytes:
    return (sound / np.abs(sound).max() * peak).astype("<i2").tobytes()
