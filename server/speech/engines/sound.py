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


def without_silence_before(sound: Floats, rate: int) -> Floats:
    """`sound` from where the voice begins, faded in; empty when all of it is silent."""
    heard = np.abs(sound) > _SILENT_BELOW
    if not heard.any():
        return sound[:0]
    fade = int(_FADE_S * rate)
    start = max(int(heard.argmax()) - fade, 0)
    voice = sound[start:].copy()
    if start:
        voice[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)[: len(voice)]
    return voice


def without_silence_after(sound: Floats, rate: int, kept_s: float) -> Floats:
    """`sound` until at most `kept_s` after the voice ends, faded out."""
    heard = np.abs(sound) > _SILENT_BELOW
    last = len(sound) - int(heard[::-1].argmax()) if heard.any() else 0
    return sound[: last + int(kept_s * rate)]
