"""Reads keys from sound as a receiver at the end of the line does: by the two loudest frequencies in each 20 ms."""

import numpy as np
from numpy.typing import NDArray

from server.media.frame import SPOKEN_BYTES, SPOKEN_RATE
from server.media.tones import HIGH_HZ, LOW_HZ, ROWS


def read_tones(pcm: bytes) -> str:
    """The keys in 24 kHz PCM. A key counts once it has sounded for 40 ms, and again after 40 ms without it."""
    keys, last, run = "", "", 0
    heard = ""
    for start in range(0, len(pcm), SPOKEN_BYTES):
        now = _key(np.frombuffer(pcm[start : start + SPOKEN_BYTES], "<i2").astype(float))
        run = run + 1 if now == last else 1
        last = now
        if run == 2 and now != heard:
            keys, heard = keys + now, now
    return keys


def _key(samples: NDArray[np.float64]) -> str:
    power = np.sum(samples**2)
    if power / len(samples) < 100**2:
        return ""
    seconds = np.arange(len(samples)) / SPOKEN_RATE
    lows, highs = ([abs(np.sum(samples * np.exp(-2j * np.pi * hz * seconds))) for hz in of] for of in (LOW_HZ, HIGH_HZ))
    low, high = int(np.argmax(lows)), int(np.argmax(highs))
    share = 2 * (lows[low] ** 2 + highs[high] ** 2) / (len(samples) * power)
    return ROWS[low][high] if share > 0.8 else ""
