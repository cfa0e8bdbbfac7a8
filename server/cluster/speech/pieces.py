"""Cuts a long recording into pieces that Whisper hears as a whole, where it is quietest."""

import numpy as np

from server.media.frame import HEARD_RATE

LONGEST_S = 28
"""The longest piece. Whisper's window is 30 s, and it understands a piece better with a pause behind it."""
SOONEST_S = 18
"""A piece ends in the quietest moment from here on."""
_MOMENT = HEARD_RATE // 10
"""How many samples a moment has: 100 ms, shorter than the pause between two sentences."""


def pieces(pcm: bytes) -> list[bytes]:
    """16 kHz s16le of any length, as pieces of at most LONGEST_S. Joined, they are all of it."""
    found = []
    while len(pcm) > 2 * HEARD_RATE * LONGEST_S:
        end = _quietest(pcm)
        found.append(pcm[:end])
        pcm = pcm[end:]
    return [*found, pcm]


def _quietest(pcm: bytes) -> int:
    """The middle of the quietest moment in which the piece may end, in bytes from its start."""
    start, end = SOONEST_S * HEARD_RATE, LONGEST_S * HEARD_RATE
    moments = np.frombuffer(pcm[2 * start : 2 * end], "<i2").astype(np.float32).reshape(-1, _MOMENT)
    quietest = int(np.argmin((moments**2).sum(axis=1)))
    return 2 * (start + quietest * _MOMENT + _MOMENT // 2)
