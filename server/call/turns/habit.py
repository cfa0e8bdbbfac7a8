"""Habit: how this caller sounds who goes on, and who is done, as the call has shown.

The cadence's weights come from many voices. One voice may end all its statements higher than those, or lower: what lies
in the middle between its own ends and pauses is as likely the one as the other. And some callers let their voice fall
where they ask with what, where or when: then a rise there is doubt, as it is in a statement.
"""

from dataclasses import dataclass
from math import exp, log

from server.call.turns.completeness import asks, asks_yes_or_no

TAUGHT = 0.8
"""Mean log odds that the cadence gives ends; pauses have as much less than even. Measured over eSpeak NG and Flite."""
BELIEVED = 4
"""What was taught counts as so many examples: one end that sounds strange is no habit."""
KEPT = 20
"""Older examples fade: the same person is tired, or somebody else, an hour later."""
SUREST = 4.6
"""In log odds: 99 %, as in the endpoint."""
MIN_PAUSE_MS = 160
"""A shorter silence may be part of a consonant, and is no example."""


@dataclass(frozen=True, slots=True)
class PauseSound:
    """A voice that rests, for a moment or for good."""

    text: str
    """The words so far."""
    over: float
    """The probability that it sounds over, by its cadence alone."""


class Habit:
    """Learns in one call."""

    def __init__(self) -> None:
        self._ends = _Mean(TAUGHT)
        self._pauses = _Mean(-TAUGHT)
        self._falls = _Mean(0.0, believed=2)

    def over(self, rest: PauseSound) -> float:
        """The probability that this caller sounds over."""
        if asks(rest.text):
            return rest.over
        middle = (self._ends.value + self._pauses.value) / 2
        return 1 / (1 + exp(middle - _log_odds(rest.over)))

    @property
    def falls(self) -> float:
        """How surely, from 0 to 1, questions with what, where or when end with a fall; 0 while unknown."""
        return self._falls.value

    def went_on(self, rest: PauseSound) -> None:
        """The person paused so, and said more."""
        if not asks(rest.text):
            self._pauses.add(_log_odds(rest.over))

    def was_done(self, rest: PauseSound) -> None:
        """The person ended so, and let the answer be said."""
        if not asks(rest.text):
            self._ends.add(_log_odds(rest.over))
        elif not asks_yes_or_no(rest.text):
            self._falls.add(float(rest.over >= 0.5))


class _Mean:
    """A mean that begins with a belief and forgets."""

    def __init__(self, value: float, believed: int = BELIEVED) -> None:
        self.value = value
        self._count = believed

    def add(self, value: float) -> None:
        self._count = min(self._count + 1, KEPT)
        self.value += (value - self.value) / self._count


def _log_odds(probability: float) -> float:
    sure = min(1 - 1e-9, max(1e-9, probability))
    return min(SUREST, max(-SUREST, log(sure / (1 - sure))))
