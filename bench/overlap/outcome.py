"""What one scene did to the agent's answer, judged from what the caller heard. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.overlap.scenes import Scene
from server.media.frame import FRAME_MS

AUDIBLE_RMS = 100.0
"""A frame that is louder than this is audible, where full scale is 32767."""
SOFTEST = 0.49
"""A frame counts as heard when its gain is at least this."""
OTHER = 0.1
"""What share of a frame's power may differ from the wanted frame. A gain that changes within a frame makes as much."""
NEAR_FRAMES = 25
"""A frame of the answer is looked for in so many audible frames after the one before it. Some vowels
sound much like others that come seconds later."""
Frames = Sequence[bytes | None]
"""What the caller heard: one entry for each frame, which is 20 ms of 16-bit PCM, or None in silence."""


@dataclass(frozen=True, slots=True)
class SceneOutcome:
    """What one scene did. Times are in ms since the sound began, and None when the thing did not happen."""

    scene: Scene
    words: str
    """What speech-to-text understood of the sound."""
    ducked_ms: int | None
    """When the first frame came that was softer than without the sound."""
    silent_ms: int | None
    """When the last audible frame of the answer ended, if the answer was stopped."""
    decided_ms: float | None
    """When the answer was given up."""
    held_ms: int
    """How much later the answer ended than without the sound, if it went on."""
    lost_ms: int
    """How much of the answer was never heard with at least half of its loudness, if it went on."""
    answered: bool
    """Whether the agent said something in answer to the sound."""

    @property
    def stopped(self) -> bool:
        return self.decided_ms is not None


def first_change(heard: Frames, undisturbed: Frames, onset_ms: int) -> int | None:
    """When the answer first differs from the undisturbed one, in ms since the onset. None when it never does."""
    first = onset_ms // FRAME_MS
    pairs = enumerate(zip(heard[first:], undisturbed[first:], strict=False), first)
    found = next((number for number, (frame, wanted) in pairs if frame != wanted), None)
    return None if found is None else found * FRAME_MS - onset_ms


def last_sound_ms(heard: Frames, until_ms: float) -> int:
    """The end of the last audible frame before `until_ms`; 0 when there is none."""
    last = min(len(heard), int(until_ms // FRAME_MS))
    return next(((number + 1) * FRAME_MS for number in reversed(range(last)) if audible(heard[number])), 0)


def first_sound_ms(heard: Frames, since_ms: float) -> float:
    """The beginning of the first audible frame from `since_ms` on; `since_ms` when there is none."""
    first = int(since_ms // FRAME_MS)
    return next((n * FRAME_MS for n in range(first, len(heard)) if audible(heard[n])), since_ms)


def lost_ms(heard: Frames, undisturbed: Frames) -> int:
    """How much of the undisturbed answer is missing, frame by frame and in its order, from what was heard."""
    lost, place, frames = 0, 0, [frame for frame in heard if frame is not None and audible(frame)]
    for wanted in (frame for frame in undisturbed if audible(frame)):
        near = range(place, min(place + NEAR_FRAMES, len(frames)))
        found = next((number for number in near if _says(frames[number], wanted)), None)
        if found is None:
            lost += FRAME_MS
        else:
            place = found + 1
    return lost


def _says(frame: bytes, wanted: bytes | None) -> bool:
    """Whether a frame is the wanted one. It may be softer, or change its loudness."""
    if wanted is None or frame == wanted:
        return frame == wanted
    heard, meant = (np.frombuffer(pcm, "<i2").astype(float) for pcm in (frame, wanted))
    gain = float(heard @ meant / (meant @ meant))
    other = heard - gain * meant
    return gain >= SOFTEST and float(other @ other) < OTHER * gain**2 * float(meant @ meant)


def audible(frame: bytes | None) -> bool:
    """Whether the caller can hear anything of a frame."""
    return frame is not None and float(np.sqrt(np.mean(np.frombuffer(frame, "<i2").astype(float) ** 2))) > AUDIBLE_RMS
