"""Mixer: what caller and agent say, as one sound, 20 ms by 20 ms. Somebody who listens to the call hears it at once.

Its clock is the tick at which the caller hears the agent's next 20 ms. The caller's own frames come when the network
brings them, several at once at times. They wait here for their tick: each one that comes late makes those behind it
wait longer, until they are late no more.
"""

from collections import deque

import numpy as np

from server.media.frame import HEARD_RATE, SILENCE, SPOKEN_BYTES, SPOKEN_RATE, Frame
from server.media.resample import Resampler

MAX_WAITING = 10
"""How many frames of the caller may wait: 200 ms. When more come, the oldest are left out."""

_SPOKEN_SILENCE = bytes(SPOKEN_BYTES)


class Mixer:
    """Mixes the two sides of one call."""

    def __init__(self) -> None:
        self._heard: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._resampler = Resampler(HEARD_RATE, SPOKEN_RATE)
        self._resampled = b""
        """The caller's sound at 24 kHz that is left of the tick before."""

    def hear(self, frame: Frame) -> None:
        """Take the caller's next 20 ms."""
        self._heard.append(frame.pcm)

    def mix(self, spoken: bytes | None) -> bytes | None:
        """Take what the caller hears in the next 20 ms: 24 kHz PCM, or None in silence. One call is one tick.

        Returns both sides as 24 kHz PCM; None if both are silent.
        """
        heard = self._next_heard()
        if heard == _SPOKEN_SILENCE:
            return spoken
        if spoken is None:
            return heard
        both = np.frombuffer(heard, "<i2").astype(np.int32) + np.frombuffer(spoken, "<i2")
        return bytes(both.clip(-32_768, 32_767).astype("<i2"))

    def _next_heard(self) -> bytes:
        """The caller's next 20 ms at 24 kHz. The resampler holds the first ms back, so sound begins a tick later."""
        self._resampled += self._resampler.convert(self._heard.popleft() if self._heard else SILENCE)
        if len(self._resampled) < SPOKEN_BYTES:
            return _SPOKEN_SILENCE
        heard, self._resampled = self._resampled[:SPOKEN_BYTES], self._resampled[SPOKEN_BYTES:]
        return heard
