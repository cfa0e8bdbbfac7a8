"""Cadence: does the voice sound as if its sentence were over?

A sentence ends near the bottom of the speaker's range, often in creak or breath; who goes on stays above or rises
(Gravano and Hirschberg, "Turn-taking cues in task-oriented dialogue", 2011; Ward, "Prosodic Patterns in English
Conversation", 2019). Who asks what is answered by yes or no rises as well: that is for the words to tell.
"""

from collections import deque
from dataclasses import dataclass
from math import exp

import numpy as np

from server.call.turns.pitch import HALF_SAMPLES, halved, semitones
from server.media.frame import FRAME_MS

MEMORY_FRAMES = 4_000 // FRAME_MS
"""The range of a voice is that of so much of it: longer than a phrase, and short enough to look through at once."""
LEAST_FRAMES = 5
"""Fewer with a pitch tell nothing: a tenth of a second."""
LAST_FRAMES = 3
"""The last pitch is the mean of so many."""
RANGE_SEMITONES = 12
"""What is further from the middle of the voice is a mistake of the pitch tracker, mostly an octave."""
LEAST_RANGE = 2.0
"""In semitones: who has said one syllable has more range than is known."""
AT_ONCE_FRAMES = 1_000 // FRAME_MS
"""What is looked at in one go, about 0.3 ms of work."""
QUIET_DB = 25
"""So far below the loud parts of the voice, it is over; VAD says so somewhat later."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a voice sounds at its last moment."""

    above_low: float
    """Its last pitch above the bottom of its range, in semitones."""
    range: float
    """From the bottom to the top, in semitones."""
    unpitched_ms: int
    """Sound without pitch after the last that has one: a consonant, or creak."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression over an Ending."""

    bias: float
    above_low: float
    range: float
    unpitched_s: float

    def over(self, ending: Ending) -> float:
        """The probability that the sentence is over, when ends and pauses are equally frequent."""
        evidence = (
            self.bias
            + self.above_low * ending.above_low
            + self.range * ending.range
            + self.unpitched_s * ending.unpitched_ms / 1000
        )
        return 1 / (1 + exp(-evidence))


_SILENCE = np.zeros(HALF_SAMPLES, np.float32)
LEARNED = Weights(bias=-1.272, above_low=-0.469, range=0.329, unpitched_s=6.373)
"""By `python -m bench.teaching`, which says from what, and how far they can be trusted."""


class Cadence:
    """Follows the voice of one utterance. It is looked at when it pauses: till then its sound is only kept."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        """Voice that was not looked at yet."""
        self._levels: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._pitches: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._before = _SILENCE
        self._over: float | None = None
        self._known = True

    def rest(self) -> None:
        """Forget the voice: the next one begins another utterance."""
        self._pending.clear()
        self._levels.clear()
        self._pitches.clear()
        self._before, self._over, self._known = _SILENCE, None, True

    def hear(self, pcm: bytes) -> None:
        """The next 20 ms of 16 kHz PCM with a voice in it."""
        self._pending.append(pcm)
        self._known = False
        if len(self._pending) == AT_ONCE_FRAMES:
            self._look()

    def over(self) -> float | None:
        """The probability that the sentence is over, if this was the last of the voice; None when nothing tells."""
        if not self._known:
            ending = self.ending()
            self._over, self._known = None if ending is None else LEARNED.over(ending), True
        return self._over

    def ending(self) -> Ending | None:
        """What the voice was like at the end; None when there was too little of it."""
        if self._pending:
            self._look()
        if len(self._levels) < LEAST_FRAMES:
            return None
        levels, pitches = np.array(self._levels), np.array(self._pitches)
        loud = np.flatnonzero(levels > np.sort(levels)[int(0.9 * (len(levels) - 1))] - QUIET_DB)
        places = loud[~np.isnan(pitches[loud])]
        if len(places) < LEAST_FRAMES:
            return None
        middle = np.sort(pitches[places])[len(places) // 2]
        places = places[np.abs(pitches[places] - middle) < RANGE_SEMITONES]
        heard = pitches[places]
        ordered = np.sort(heard)
        low, high = ordered[int(0.1 * (len(ordered) - 1))], ordered[int(0.9 * (len(ordered) - 1))]
        return Ending(
            above_low=float(heard[-LAST_FRAMES:].mean() - low),
            range=max(float(high - low), LEAST_RANGE),
            unpitched_ms=int(loud[-1] - places[-1]) * FRAME_MS,
        )

    def _look(self) -> None:
        """Loudness and pitch of what was kept."""
        samples = np.concatenate([self._before, halved(b"".join(self._pending))])
        frames = samples.reshape(-1, HALF_SAMPLES)
        powers = np.einsum("ij,ij->i", frames[1:], frames[1:]) / HALF_SAMPLES
        self._levels.extend((10 * np.log10(powers + 1)).tolist())
        self._pitches.extend(semitones(samples).tolist())
        self._before = frames[-1]
        self._pending.clear()
