"""Cadence: does the voice sound as if its sentence were over?

At the end of a sentence the voice comes down to the bottom of the speaker's range, and often ends in creak or breath.
Speakers who go on stay above the bottom, or rise (Gravano and Hirschberg, "Turn-taking cues in task-oriented dialogue",
2011; Ward, "Prosodic Patterns in English Conversation", 2019). The voice also rises at the end of a yes-or-no question.
The cadence cannot tell the two apart; the words can.
"""

from collections import deque
from dataclasses import dataclass
from math import exp

import numpy as np

from server.call.turns.pitch import HALF_SAMPLES, halved, semitones
from server.media.frame import FRAME_MS

MEMORY_FRAMES = 4_000 // FRAME_MS
"""The range of a voice is taken from this much of it: longer than a phrase, and short enough to analyse in one step."""
LEAST_FRAMES = 5
"""A tenth of a second. A voice with fewer frames that have a pitch tells nothing."""
LAST_FRAMES = 3
"""The last pitch is the mean over this many frames."""
RANGE_SEMITONES = 12
"""A pitch that is further from the median is a mistake of the pitch tracker, mostly by an octave."""
LEAST_RANGE = 2.0
"""The least range, in semitones, that a voice is taken to have. One syllable does not show the whole range yet."""
AT_ONCE_FRAMES = 1_000 // FRAME_MS
"""How much voice is analysed in one step, which takes about 0.3 ms."""
QUIET_DB = 25
"""The voice has ended where it is this far below its loud parts. VAD tells the end somewhat later."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a voice sounds at its end."""

    above_low: float
    """How far the last pitch is above the bottom of the voice's range, in semitones."""
    range: float
    """From the bottom to the top of the voice, in semitones."""
    unpitched_ms: int
    """How much sound without a pitch follows the last pitch: a consonant, or creak."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression over an Ending."""

    bias: float
    above_low: float
    range: float
    unpitched_s: float

    def over(self, ending: Ending) -> float:
        """The probability that the sentence is over, where ends and pauses are equally frequent."""
        evidence = (
            self.bias
            + self.above_low * ending.above_low
            + self.range * ending.range
            + self.unpitched_s * ending.unpitched_ms / 1000
        )
        return 1 / (1 + exp(-evidence))


_SILENCE = np.zeros(HALF_SAMPLES, np.float32)
LEARNED = Weights(bias=-1.272, above_low=-0.469, range=0.329, unpitched_s=6.373)
"""Made by `python -m bench.turns.teaching`, which tells from which voices, and how far the weights can be trusted."""


class Cadence:
    """The voice of one utterance. Its sound is stored, and analysed at a pause or when there is a second of it."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        """Sound that is not analysed yet."""
        self._levels: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._pitches: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._last_frame = _SILENCE
        """The last frame that was analysed, at half the sample rate."""
        self._over: float | None = None
        self._up_to_date = True
        """No voice was heard since `_over` was computed."""

    def rest(self) -> None:
        """The utterance is over: forget its voice."""
        self._pending.clear()
        self._levels.clear()
        self._pitches.clear()
        self._last_frame, self._over, self._up_to_date = _SILENCE, None, True

    def hear(self, pcm: bytes) -> None:
        """The next 20 ms of 16 kHz PCM with a voice in it."""
        self._pending.append(pcm)
        self._up_to_date = False
        if len(self._pending) == AT_ONCE_FRAMES:
            self._analyse()

    def over(self) -> float | None:
        """The probability that the sentence is over, if the voice ends here; None with too little voice to tell."""
        if not self._up_to_date:
            ending = self.ending()
            self._over, self._up_to_date = None if ending is None else LEARNED.over(ending), True
        return self._over

    def ending(self) -> Ending | None:
        """How the voice sounds at its end so far; None with too little voice to tell."""
        if self._pending:
            self._analyse()
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

    def _analyse(self) -> None:
        """Measure loudness and pitch of the stored sound."""
        samples = np.concatenate([self._last_frame, halved(b"".join(self._pending))])
        frames = samples.reshape(-1, HALF_SAMPLES)
        powers = np.einsum("ij,ij->i", frames[1:], frames[1:]) / HALF_SAMPLES
        self._levels.extend((10 * np.log10(powers + 1)).tolist())
        self._pitches.extend(semitones(samples).tolist())
        self._last_frame = frames[-1]
        self._pending.clear()
