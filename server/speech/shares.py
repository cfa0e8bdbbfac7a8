"""Shares: how much of an engine each call has used lately, so that a call which asks for much waits for the others.

It still has the engine for itself when nobody else wants it: being first is all that a call can lose.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from math import exp

LATELY_S = 10.0
"""What was used this long ago counts for a third (1/e): about the time of an utterance and the answer to it."""
LEAST_S = 0.001
"""A call that has used less than this lately is forgotten."""


@dataclass(slots=True)
class _Use:
    seconds: float
    at_s: float


class Shares:
    """The use of one engine by all calls. A call is known by any key. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._uses: dict[Hashable, _Use] = {}

    def used_s(self, call: Hashable, now_s: float) -> float:
        """How long the call has used the engine lately."""
        use = self._uses.get(call)
        return 0.0 if use is None else use.seconds * exp((use.at_s - now_s) / LATELY_S)

    def is_alone(self, call: Hashable) -> bool:
        """Whether no other call has used the engine lately."""
        return self._uses.keys() <= {call}

    def charge(self, call: Hashable, seconds: float, now_s: float) -> None:
        """The call has just used the engine for `seconds`."""
        self._uses[call] = _Use(self.used_s(call, now_s) + seconds, now_s)
        for other in [other for other in self._uses if self.used_s(other, now_s) < LEAST_S]:
            del self._uses[other]
