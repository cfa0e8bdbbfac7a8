"""The tones of the keys of a telephone: DTMF, two sines for each key (ITU-T Q.23), as 24 kHz PCM."""

from functools import cache

import numpy as np

from server.media.dtmf import DIGITS
from server.media.frame import SPOKEN_BYTES, SPOKEN_RATE

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
ROWS = ("123A", "456B", "789C", "*0#D")
"""The keys. Each row has one low frequency, and each column one high frequency."""
TONE_MS = 100
GAP_MS = 80
"""How long the silence before a tone is. A receiver needs at least 40 ms of each, so this has reserve (ITU-T Q.24)."""
PAUSES_MS = {"w": 500, ",": 2_000}
"""What only waits. Modems wait 2 s for a comma, and providers of telephone lines half a second for a "w"."""
LOW_DBM0, HIGH_DBM0 = -11.0, -9.0
"""The levels of the two sines. Lines damp the high one more, so it is louder (ETSI ES 201 235-2)."""
FULL_SCALE_DBM0 = 3.14
"""The level of the loudest sine (ITU-T G.711)."""
RAMP_MS = 4
"""A tone begins and ends this softly, so that it does not click."""

SIGNS = frozenset({*DIGITS, *PAUSES_MS})
"""All that can be pressed: keys and pauses."""


def key_of(frame: bytes) -> str | None:
    """The key whose tone these 20 ms are a part of, as `tone` makes it; None for all other sound.

    A line that carries keys apart from the voice (RFC 4733) so learns which key it has to send in place of the tone.
    """
    return _frames().get(frame)


@cache
def _frames() -> dict[bytes, str]:
    """The frames of all tones, each with its key."""
    sounds = ((key, tone(key)[2 * _samples(GAP_MS) :]) for key in DIGITS)
    return {pcm[at : at + SPOKEN_BYTES]: key for key, pcm in sounds for at in range(0, len(pcm), SPOKEN_BYTES)}


def tone(sign: str) -> bytes:
    """The sound of one of SIGNS: a whole number of 20 ms frames.

    The silence comes first, so a key has been pressed when its sound is over, and not before.
    """
    if sign in PAUSES_MS:
        return bytes(2 * _samples(PAUSES_MS[sign]))
    row = next(number for number, keys in enumerate(ROWS) if sign in keys)
    seconds = np.arange(_samples(TONE_MS)) / SPOKEN_RATE
    low = _peak(LOW_DBM0) * np.sin(2 * np.pi * LOW_HZ[row] * seconds)
    high = _peak(HIGH_DBM0) * np.sin(2 * np.pi * HIGH_HZ[ROWS[row].index(sign)] * seconds)
    ramp = np.minimum(1, np.arange(len(seconds)) / _samples(RAMP_MS))
    sound = (low + high) * ramp * ramp[::-1]
    return bytes(2 * _samples(GAP_MS)) + sound.astype("<i2").tobytes()


def _samples(ms: int) -> int:
    return SPOKEN_RATE * ms // 1000


def _peak(dbm0: float) -> float:
    return float(32767 * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20))
