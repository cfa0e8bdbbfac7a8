"""The caller's loudspeaker, room and microphone: how the agent's voice comes back when nothing cancels the echo."""

import numpy as np
from numpy.typing import NDArray

from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, SPOKEN_RATE, SPOKEN_SAMPLES
from tests.voices import resample

LEAST_DELAY_MS = 2 * FRAME_MS
"""The shortest possible delay: a frame is heard before the next one is said, and resampling needs its neighbours."""
ROOM_S = 0.25
"""After this time the room's reflections are 60 dB softer."""
REFLECTIONS = 40
"""How many reflections the room has, with the direct sound."""
SMALLEST_HZ = 500
"""A telephone's loudspeaker is weaker below this frequency."""
_EDGE = SPOKEN_SAMPLES // 2


class Loudspeaker:
    """Gives a frame of the microphone for each frame of the agent: `delay_ms` later, and louder by `level_db`.

    Call `hear` before `say` for each frame. `seconds` is how long the call may last.
    """

    def __init__(self, level_db: float, delay_ms: int, seconds: float, seed: int = 0) -> None:
        if delay_ms < LEAST_DELAY_MS:
            raise ValueError(f"the echo is {LEAST_DELAY_MS} ms late at least")
        self._gain = 10 ** (level_db / 20)
        self._delay = SPOKEN_RATE * delay_ms // 1000
        rng = np.random.default_rng(seed)
        self._times = np.sort(rng.integers(0, int(SPOKEN_RATE * ROOM_S / 2), REFLECTIONS))
        self._times[0] = 0
        gains = 0.4 * rng.normal(0, 1, REFLECTIONS) * 10 ** (-3 * self._times / SPOKEN_RATE / ROOM_S)
        gains[0] = 1
        self._gains = gains / np.sqrt((gains**2).sum())
        self._sound = np.zeros(round(SPOKEN_RATE * (seconds + 2)))
        self._filtered = self._last = 0.0
        self._place = 0

    def hear(self) -> bytes:
        """The next 20 ms of the microphone, as 16 kHz PCM."""
        start = self._place - _EDGE
        piece = self._sound[max(start, 0) : self._place + SPOKEN_SAMPLES + _EDGE]
        piece = np.pad(piece, (max(-start, 0), 0))
        pcm = resample(np.clip(piece, -32_768, 32_767).astype("<i2").tobytes(), SPOKEN_RATE, HEARD_RATE)
        return pcm[HEARD_BYTES // 2 : HEARD_BYTES // 2 + 2 * HEARD_SAMPLES]

    def say(self, pcm: bytes | None) -> None:
        """Take the next 20 ms of the agent, as 24 kHz PCM, or None in silence."""
        if pcm is not None:
            sound = self._gain * self._thinned(np.frombuffer(pcm, "<i2").astype(float))
            for time, gain in zip(self._times, self._gains, strict=True):
                start = self._place + self._delay + int(time)
                self._sound[start : start + len(sound)] += gain * sound
        self._place += SPOKEN_SAMPLES

    def _thinned(self, sound: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sound after a high-pass filter of the first order."""
        kept = np.exp(-2 * np.pi * SMALLEST_HZ / SPOKEN_RATE)
        thinned = np.empty_like(sound)
        filtered, last = self._filtered, self._last
        for n, sample in enumerate(sound):
            filtered, last = kept * (filtered + sample - last), sample
            thinned[n] = filtered
        self._filtered, self._last = filtered, last
        return thinned
