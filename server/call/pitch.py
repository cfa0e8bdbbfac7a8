"""Pitch of a voice: how high a frame sounds, by autocorrelation.

The highest peak of the normalised autocorrelation is the period, after Boersma, "Accurate short-term analysis of the
fundamental frequency" (1993): the window's own autocorrelation is divided out, so that long periods are not at a
disadvantage. 40 ms are looked at, at half the rate; it costs about 30 µs.
"""

import numpy as np
from numpy.typing import NDArray

from server.media.frame import HEARD_RATE, HEARD_SAMPLES

Samples = NDArray[np.float32]

_RATE = HEARD_RATE // 2
_HALF = HEARD_SAMPLES // 2
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 60
"""Periods in samples: voices are between 60 and 400 Hz."""
_FFT = 512
"""A power of two beyond the window and the longest period, so that nothing wraps around."""
_PERIODIC = 0.6
"""Less alike than this from one period to the next is breath, hiss or creak."""
_AS_GOOD = 0.85
"""Of the best peak: the first that is nearly as high is the period, the later ones are its multiples."""
_WINDOW = np.hanning(2 * _HALF + 2)[1:-1].astype(np.float32)
_OF_WINDOW = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)[: _LONGEST + 2]
_SILENCE = np.zeros(_HALF, np.float32)


def halved(pcm: bytes) -> Samples:
    """20 ms of 16 kHz PCM at half the rate: all that pitch needs."""
    samples: Samples = np.frombuffer(pcm, "<i2").astype(np.float32).reshape(-1, 2).mean(axis=1)
    return samples


def semitones(now: Samples, before: Samples = _SILENCE) -> float | None:
    """The pitch at the border of two frames, in semitones above 100 Hz; None where there is none. Both are `halved`."""
    window = np.concatenate([before, now])
    spectrum = np.fft.rfft((window - window.mean()) * _WINDOW, _FFT)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: _LONGEST + 2]
    if correlation[0] < 1:
        return None
    alike = correlation * (_OF_WINDOW[0] / correlation[0]) / _OF_WINDOW
    here = alike[_SHORTEST : _LONGEST + 1]
    best = here.max()
    peaks = (here >= alike[_SHORTEST - 1 : _LONGEST]) & (here >= alike[_SHORTEST + 1 :]) & (here >= _AS_GOOD * best)
    if best < _PERIODIC or not peaks.any():
        return None
    return 12 * float(np.log2(_RATE / _between(alike, _SHORTEST + int(peaks.argmax())) / 100))


def _between(alike: NDArray[np.float64], peak: int) -> float:
    """The place of the peak between samples: the top of the parabola through it and its neighbours."""
    left, top, right = alike[peak - 1 : peak + 2]
    bend = left - 2 * top + right
    return peak + float(0.5 * (left - right) / bend) if bend < 0 else float(peak)
