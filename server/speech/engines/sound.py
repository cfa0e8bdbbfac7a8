"""From the floats of a neural voice to the PCM that callers hear: the level, the clipping, and silence at the edges."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEVEL = 0.1
"""How loud a voice shall be: the RMS level of its speech without the pauses; 1.0 is full scale. eSpeak has it."""
_KNEE = 0.7
"""Louder samples are compressed, so that they stay below 1.0. One of a thousand samples is, and nobody hears it."""
_SILENT_BELOW = 0.004
"""In floats of full scale 1.0, after the gain. A voice begins with some ms that are quieter than this."""
_FADE_S = 0.003
"""How long the sound rises at a cut. A voice that begins at once would click."""


def gain_for(speech: Floats, rate: int) -> float:
    """The factor that brings `speech` to LEVEL; 1.0 when it is silent."""
    frames = speech[: len(speech) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)  # 20 ms each
    levels = np.sqrt(np.mean(frames**2, axis=1)) if len(frames) else np.zeros(1)
    loudest = float(levels.max())
    if loudest < 1e-4:
        return 1.0
    return LEVEL / float(np.sqrt(np.mean(levels[levels > loudest / 20] ** 2)))


def pcm(sound: Floats) -> bytes:
    """Mono s16le. What is louder than full scale is compressed, not cut off."""
    size = np.abs(sound)
    if size.size and size.max() > _KNEE:
        room = 1 - _KNEE
        sound = np.where(size > _KNEE, np.sign(sound) * (_KNEE + room * np.tanh((size - _KNEE) / room)), sound)
    return (sound * 32_767).astype("<i2").tobytes()


class Edges:
    """Leaves out the silence before and after a voice whose sound comes in chunks."""

    def __init__(self, rate: int, kept_after_s: float | None = None) -> None:
        """`kept_after_s` is how much of the silence after the voice is kept; None keeps all."""
        self._fade = int(_FADE_S * rate)
        self._kept = None if kept_after_s is None else int(kept_after_s * rate)
        self._started = False
        self._quiet = 0  # samples given since the voice's last one
        self._held: Floats = np.empty(0, np.float32)  # more silence, which is given when the voice goes on

    def receive(self, sound: Floats) -> Floats:
        """The next chunk without what is left out, and with what was held back."""
        if not self._started:
            sound = self._begun(sound)
        if self._kept is None or not len(sound):
            return sound
        heard = np.flatnonzero(np.abs(sound) > _SILENT_BELOW)
        if len(heard):
            last = len(self._held) + int(heard[-1]) + 1
            sound = np.concatenate((self._held, sound))
            given = min(last + self._kept, len(sound))
            self._held, self._quiet = sound[given:], given - last
        else:
            given = min(self._kept - self._quiet, len(sound))
            self._held = np.concatenate((self._held, sound[given:]))
            self._quiet += given
        return sound[:given]

    def _begun(self, sound: Floats) -> Floats:
        """`sound` from where the voice begins, faded in; empty when all of it is silent."""
        heard = np.flatnonzero(np.abs(sound) > _SILENT_BELOW)
        if not len(heard):
            return sound[:0]
        self._started = True
        start = max(int(heard[0]) - self._fade, 0)
        voice = sound[start:].copy()
        if start:
            voice[: self._fade] *= np.linspace(0, 1, self._fade, dtype=np.float32)[: len(voice)]
        return voice
