"""Stirring: the first sign that the person may speak over the agent, before it is known that a voice has begun.

VAD needs some 60 ms to be sure of a voice, and sees none in the s, sh or th that many words begin with. The agent
lowers its voice at the first sign; where nothing follows that is hardly noticed, so a sign may be wrong, but not often.
"""

import numpy as np

from server.media.frame import FRAME_MS

HISS_RMS = 150
"""Of 32767; a th into a telephone has twice as much, a quiet room a tenth."""
HISS_FRAMES = 3
"""A key or the crack of a door is shorter."""
HISS = 1.0
"""Power of the differences of samples over that of the samples: 1 is a tone at a sixth of the rate, 2.7 kHz. Vowels
have 0.1 to 0.6, coughs 0.5, a sibilant or th 2 to 3."""
HELD_FRAMES = 60 // FRAME_MS
"""A sign lasts so long: VAD's own doubts are shorter, and a voice that pumps is worse than one that is low."""
FRUITLESS_FRAMES = 160 // FRAME_MS
"""After so many without a voice it is none: a shower hisses, too."""


class Stirring:
    """Follows the sound of one call while the agent speaks."""

    def __init__(self) -> None:
        self._hissing = 0
        self._since = HELD_FRAMES
        """Frames since the last sign."""
        self._lasted = 0
        """Frames since the first one of these signs."""

    def hear(self, pcm: bytes, voiced: bool, echoes: bool) -> bool:
        """The next 20 ms of 16 kHz PCM, whether there is a voice in them, and whether the agent's own sound comes back.

        Returns whether somebody may be about to speak.
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
    return float(steps @ steps) > HISS * power
