"""What one scene did to the agent's answer, from what was heard of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.scenes import Scene
from server.media.frame import FRAME_MS

AUDIBLE_RMS = 100.0
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
    """How much of the answer was never heard at full loudness, when it went on."""
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
        try:
            place = frames.index(wanted, place) + 1
        except ValueError:
            lost += FRAME_MS
    return lost


def _audible(frame: bytes | None) -> bool:
    return frame is not None and float(np.sqrt(np.mean(np.frombuffer(frame, "<i2").astype(float) ** 2))) > AUDIBLE_RMS
