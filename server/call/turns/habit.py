"""Habit: how this caller sounds when going on and when done. It is learned during the call.

The weights of the cadence come from many voices. One voice may end all its statements higher than those voices do, or
lower. So a sound in the middle between the caller's own ends and own pauses counts as even odds.

Some callers let their voice fall at the end of a question with what, where or when. If one of them rises there, it is a
sign of going on, as it is in a statement.
"""

from dataclasses import dataclass
from math import exp, log

from server.call.turns.completeness import asks, asks_yes_or_no

USUAL_LOG_ODDS = 0.8
"""The mean log odds that the cadence gives to ends; pauses have the same below zero. Measured over eSpeak NG and
Flite. Every call begins with it."""
USUAL_WEIGHT = 4
"""What a call begins with counts as this many examples. So one end that sounds strange is not a habit yet."""
MAX_EXAMPLES = 20
"""After this many examples, older ones fade. An hour later the caller may be tired, or another person may speak."""
MAX_LOG_ODDS = 4.6
"""99 %, the limit that the endpoint has, too."""
MIN_PAUSE_MS = 160
"""A shorter silence may be part of a consonant, and is not an example of a pause."""


@dataclass(frozen=True, slots=True)
class PauseSound:
    """How the caller's voice sounds when it falls silent, in a pause or at the end."""

    text: str
    """The words of the utterance so far."""
    over: float
    """The probability that the caller is done, by the cadence alone."""


class Habit:
    """What one call has shown of its caller."""

    def __init__(self) -> None:
        self._ends = _Mean(USUAL_LOG_ODDS)
        self._pauses = _Mean(-USUAL_LOG_ODDS)
        self._falls = _Mean(0.0, weight=2)

    def over(self, sound: PauseSound) -> float:
        """The probability that the caller is done, corrected by the caller's habit. A question is not corrected."""
        if asks(sound.text):
            return sound.over
        middle = (self._ends.value + self._pauses.value) / 2
        return 1 / (1 + exp(middle - _log_odds(sound.over)))

    @property
    def falls(self) -> float:
        """How surely, from 0 to 1, the caller's questions with what, where or when end with a fall; 0 while unknown."""
        return self._falls.value

    def went_on(self, sound: PauseSound) -> None:
        """The caller paused with this sound, and then said more."""
        if not asks(sound.text):
            self._pauses.add(_log_odds(sound.over))

    def was_done(self, sound: PauseSound) -> None:
        """The caller ended with this sound, and then heard the reply to its end."""
        if not asks(sound.text):
            self._ends.add(_log_odds(sound.over))
        elif not asks_yes_or_no(sound.text):
            self._falls.add(float(sound.over >= 0.5))


class _Mean:
    """The mean of the newest examples. It begins with `value`, which counts as `weight` examples."""

    def __init__(self, value: float, weight: int = USUAL_WEIGHT) -> None:
        self.value = value
        self._count = weight

    def add(self, value: float) -> None:
        self._count = min(self._count + 1, MAX_EXAMPLES)
        self.value += (value - self.value) / self._count


def _log_odds(probability: float) -> float:
    """The natural logarithm of the odds, between -MAX_LOG_ODDS and MAX_LOG_ODDS."""
    sure = min(1 - 1e-9, max(1e-9, probability))
    return min(MAX_LOG_ODDS, max(-MAX_LOG_ODDS, log(sure / (1 - sure))))
