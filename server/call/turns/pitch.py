"""Pitch of a voice: how high it is from frame to frame, by autocorrelation.

The highest peak of the normalised autocorrelation is the period, after Boersma, "Accurate short-term analysis of the
fundamental frequency" (1993): the window's own autocorrelation is divided out, so that long periods are not at a
disadvantage. 40 ms are looked at, at half the rate. Many frames at once cost less than half as much as one by one.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from server.media.frame import HEARD_RATE, HEARD_SAMPLES

Samples = NDArray[np.float32]
Pitches = NDArray[np.float64]

HALF_SAMPLES = HEARD_SAMPLES // 2
"""Of a frame at half the rate."""
_RATE = HEARD_RATE // 2
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 60
"""Periods in samples: voices are between 60 and 400 Hz."""
_FFT = 512
"""A power of two beyond the window and the longest period, so that nothing wraps around."""
_PERIODIC = 0.6
"""Less alike than this from one period to the next is breath, hiss or creak."""
_AS_GOOD = 0.85
"""Of the best peak: the first that is nearly as high is the period, the later ones are its multiples."""
_WINDOW = np.hanning(2 * HALF_SAMPLES + 2)[1:-1].astype(np.float32)
_OF_WINDOW = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)[: _LONGEST + 2].astype(np.float32)


def halved(pcm: bytes) -> Samples:
    """16 kHz PCM at half the rate: all that pitch needs."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return (samples[::2] + samples[1::2]) * np.float32(0.5)


def semitones(samples: Samples) -> Pitches:
    """The pitch at each border of `halved` frames, in semitones above 100 Hz; NaN where there is none."""
    windows = sliding_window_view(samples, 2 * HALF_SAMPLES)[::HALF_SAMPLES]
    spectrum = np.fft.rfft((windows - windows.mean(axis=1, keepdims=True)) * _WINDOW, _FFT)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : _LONGEST + 2]
    power = np.maximum(correlation[:, :1], 1)
    alike = correlation * (_OF_WINDOW[0] / power) / _OF_WINDOW
    here = alike[:, _SHORTEST : _LONGEST + 1]
    best = here.max(axis=1, keepdims=True)
    peaks = (here >= alike[:, _SHORTEST - 1 : _LONGEST]) & (here >= alike[:, _SHORTEST + 1 :])
    periods = peaks & (here >= _AS_GOOD * best) & (best >= _PERIODIC) & (correlation[:, :1] >= 1)
    voiced = periods.any(axis=1)
    pitches = np.full(len(windows), np.nan)
    pitches[voiced] = 12 * np.log2(_RATE / _between(alike[voiced], _SHORTEST + periods[voiced].argmax(axis=1)) / 100)
    return pitches


def _between(alike: Samples, peaks: NDArray[np.intp]) -> Pitches:
    """The place of each peak between samples: the top of the parabola through it and its neighbours."""
    rows = np.arange(len(peaks))
    left, top, right = alike[rows, peaks - 1], alike[rows, peaks], alike[rows, peaks + 1]
    bend = left - 2 * top + right
    places: Pitches = peaks + np.divide(0.5 * (left - right), bend, out=np.zeros(len(peaks)), where=bend < 0)
    return places
