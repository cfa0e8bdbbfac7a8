"""Pitch: how high a voice is from frame to frame, by autocorrelation.

The period of the voice is the highest peak of the normalised autocorrelation, after Boersma, "Accurate short-term
analysis of the fundamental frequency" (1993). The autocorrelation is divided by that of the window, so that long
periods are not at a disadvantage. Each pitch is taken from 40 ms of sound at half the sample rate. To analyse many
frames at once costs less than half as much as one by one.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from server.media.frame import HEARD_RATE, HEARD_SAMPLES

Samples = NDArray[np.float32]
Pitches = NDArray[np.float64]

HALF_SAMPLES = HEARD_SAMPLES // 2
"""Samples in a frame at half the sample rate."""
_RATE = HEARD_RATE // 2
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 60
"""The shortest and the longest period, in samples. Voices are between 60 and 400 Hz."""
_FFT = 512
"""Length of the Fourier transform: a power of two, long enough for the window and the longest period, so that nothing
wraps around."""
_MIN_CORRELATION = 0.6
"""Sound that correlates less than this from one period to the next has no pitch: it is breath, hiss or creak."""
_NEARLY_BEST = 0.85
"""The first peak with at least this share of the highest one is the period. Later peaks are its multiples."""
_WINDOW = np.hanning(2 * HALF_SAMPLES + 2)[1:-1].astype(np.float32)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)[: _LONGEST + 2].astype(np.float32)


def halved(pcm: bytes) -> Samples:
    """16 kHz PCM at half the sample rate, which is enough for the pitch."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return (samples[::2] + samples[1::2]) * np.float32(0.5)


def semitones(samples: Samples) -> Pitches:
    """The pitch at each border between two `halved` frames, in semitones above 100 Hz; NaN where there is no pitch."""
    windows = sliding_window_view(samples, 2 * HALF_SAMPLES)[::HALF_SAMPLES]
    spectrum = np.fft.rfft((windows - windows.mean(axis=1, keepdims=True)) * _WINDOW, _FFT)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : _LONGEST + 2]
    power = np.maximum(correlation[:, :1], 1)
    normalised = correlation * (_WINDOW_CORRELATION[0] / power) / _WINDOW_CORRELATION
    here = normalised[:, _SHORTEST : _LONGEST + 1]
    best = here.max(axis=1, keepdims=True)
    peaks = (here >= normalised[:, _SHORTEST - 1 : _LONGEST]) & (here >= normalised[:, _SHORTEST + 1 :])
    periods = peaks & (here >= _NEARLY_BEST * best) & (best >= _MIN_CORRELATION) & (correlation[:, :1] >= 1)
    voiced = periods.any(axis=1)
    pitches = np.full(len(windows), np.nan)
    first = _SHORTEST + periods[voiced].argmax(axis=1)
    pitches[voiced] = 12 * np.log2(_RATE / _between_samples(normalised[voiced], first) / 100)
    return pitches


def _between_samples(normalised: Samples, peaks: NDArray[np.intp]) -> Pitches:
    """The exact place of each peak, between samples: the top of the parabola through the peak and its neighbours."""
    rows = np.arange(len(peaks))
    left, top, right = (normalised[rows, peaks + offset] for offset in (-1, 0, 1))
    bend = left - 2 * top + right
    places: Pitches = peaks + np.divide(0.5 * (left - right), bend, out=np.zeros(len(peaks)), where=bend < 0)
    return places
