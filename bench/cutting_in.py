"""What one scene did to the agent's answer, from what was heard of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.scenes import Scene
from server.media.frame import FRAME_MS

AUDIBLE_RMS = 100.0
SOFTEST = 0.49
"""Gain from which on a frame counts as heard."""
OTHER = 0.1
"""Of a frame's power may be what is not the wanted frame: a gain that moves makes so much."""
Heard = Sequence[bytes | None]
"""One entry a frame: 20 ms of 16-bit PCM, or None in silence."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times are in ms since the sound began, None when it did not happen."""

    scene: Scene
    words: str
    """What speech-to-text made of it."""
    ducked_ms: int | None
    """The first frame that was softer than it would have been."""
    silent_ms: int | None
    """The end of the last audible frame of the answer, when it was stopped."""
    decided_ms: float | None
    """The answer was given up."""
    held_ms: int
    """How much later the answer ended than without the sound, when it went on."""
    lost_ms: int
    """How much of the answer was never heard at half of its loudness at least, when it went on."""
    answered: bool
    """The agent said something to it."""

    @property
    def stopped(self) -> bool:
        return self.decided_ms is not None


def first_change(heard: Heard, undisturbed: Heard, onset_ms: int) -> int | None:
    """When, in ms since the onset, the answer is first not as it would be."""
    first = onset_ms // FRAME_MS
    pairs = enumerate(zip(heard[first:], undisturbed[first:], strict=False), first)
    found = next((number for number, (frame, wanted) in pairs if frame != wanted), None)
    return None if found is None else found * FRAME_MS - onset_ms


def last_sound_ms(heard: Heard, until_ms: float) -> int:
    """The end of the last audible frame before `until_ms`; 0 when there is none."""
    last = min(len(heard), int(until_ms // FRAME_MS))
    return next(((number + 1) * FRAME_MS for number in reversed(range(last)) if _audible(heard[number])), 0)


def lost_ms(heard: Heard, undisturbed: Heard) -> int:
    """How much of the undisturbed answer does not come in its order, frame for frame, in what was heard."""
    lost, place, frames = 0, 0, [frame for frame in heard if frame is not None]
    for wanted in (frame for frame in undisturbed if _audible(frame)):
        found = next((number for number in range(place, len(frames)) if _says(frames[number], wanted)), None)
        if found is None:
            lost += FRAME_MS
        else:
            place = found + 1
    return lost


def _says(frame: bytes, wanted: bytes | None) -> bool:
    """Whether it is the wanted frame, though it may be softer, or become so."""
    if wanted is None or frame == wanted:
        return frame == wanted
    heard, meant = (np.frombuffer(pcm, "<i2").astype(float) for pcm in (frame, wanted))
    gain = float(heard @ meant / (meant @ meant))
    other = heard - gain * meant
    return gain >= SOFTEST and float(other @ other) < OTHER * gain**2 * float(meant @ meant)


def _audible(frame: bytes | None) -> bool:
    return frame is not None and float(np.sqrt(np.mean(np.frombuffer(frame, "<i2").astype(float) ** 2))) > AUDIBLE_RMS
