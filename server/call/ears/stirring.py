"""Stirring: the first signs that the caller may begin to speak over the agent.

VAD needs about 60 ms to be sure of a voice, and it finds no voice in the s, sh or th with which many words begin. So
the agent already lowers its voice at a sign, which is a frame with a voice, or a hiss. If no speech follows, callers
hardly notice it. So a sign may be wrong, but not often.
"""

import numpy as np

from server.media.frame import FRAME_MS

HISS_RMS = 150
"""The least loudness (RMS) of a hiss, where 32767 is full level. A "th" into a telephone is twice as loud; a quiet room
has a tenth of it."""
HISS_FRAMES = 3
"""How many frames a hiss must last to be a sign. The click of a key and the crack of a door are shorter."""
HISS_RATIO = 1.0
"""How high a sound must be to be a hiss: the power of the differences between samples, divided by the power of the
samples. A tone of 2.7 kHz, a sixth of the sample rate, has 1. Vowels have 0.1 to 0.6, coughs 0.5, sibilants and "th" 2
to 3."""
HELD_FRAMES = 60 // FRAME_MS
"""How long a sign holds. The gaps in which VAD doubts a voice are shorter, and so the agent's voice stays low in them.
A voice that goes up and down all the time is worse than a low one."""
FRUITLESS_FRAMES = 160 // FRAME_MS
"""For how long signs may go on until no voice is expected to follow any more. A shower hisses, too."""


class Stirring:
    """The signs in one call. Only used while the agent speaks."""

    def __init__(self) -> None:
        self._hissing = 0
        """Frames with a hiss, one after the other, up to now."""
        self._since = HELD_FRAMES
        """Frames since the last sign."""
        self._lasted = 0
        """Frames since the first of the signs that followed each other without a gap."""

    def hear(self, pcm: bytes, voiced: bool, echoes: bool) -> bool:
        """Take the next 20 ms of 16 kHz PCM. Returns whether the caller may be about to speak.

        `voiced`: there is a voice in them. `echoes`: the agent's own sound comes back, so a hiss in it is no sign.
        """
        self._hissing = self._hissing + 1 if not echoes and _hisses(pcm) else 0
        self._since = 0 if voiced or self._hissing >= HISS_FRAMES else self._since + 1
        self._lasted = self._lasted + 1 if self._since < HELD_FRAMES else 0
        return 0 < self._lasted <= FRUITLESS_FRAMES


def _hisses(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    power = float(samples @ samples)
    if power <= HISS_RMS**2 * len(samples):
        return False
    steps = samples[1:] - samples[:-1]
    return float(steps @ steps) > HISS_RATIO * power
