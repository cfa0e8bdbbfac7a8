"""Breakers: a model that has just failed several times in a row is passed over for some seconds while there is another.

Otherwise each caller would wait until the model's time is over. All calls of a server share its breakers. Times are
seconds of any steady clock.
"""

from collections import Counter, defaultdict

FAILURES_IN_A_ROW = 3
"""So many requests have to fail, with none in between that succeeds. One or two may be an accident."""
PAUSE_S = 10.0
"""How long a model is passed over. Then one request tries it. A provider that restarts is back within about as long."""


class Breaker:
    """Decides whether one model is asked."""

    def __init__(self) -> None:
        self._failures = 0
        self._until_s = 0.0

    def admits(self, now_s: float) -> bool:
        """Whether the model may be asked now.

        After a pause one request may. The next one may after another pause, unless that request succeeds before.
        """
        if self._failures < FAILURES_IN_A_ROW:
            return True
        if now_s < self._until_s:
            return False
        self._until_s = now_s + PAUSE_S
        return True

    def succeed(self) -> None:
        """The model has answered."""
        self._failures = 0

    def fail(self, now_s: float) -> bool:
        """The model has failed. Returns whether it is passed over from now on, and was not before."""
        self._failures += 1
        self._until_s = now_s + PAUSE_S
        return self._failures == FAILURES_IN_A_ROW


class Breakers:
    """The breakers of all models. Only operators and authors of agents name models, so there are few."""

    def __init__(self) -> None:
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self.failures: Counter[tuple[str, str]] = Counter()
        """How many requests have failed or were cut off in their answer, by the name of the model and the kind."""
        self.tell_why: set[str] = set()
        """The models that have said why they end an answer. One of them that says nothing was cut off itself."""

    def of(self, model: str) -> Breaker:
        """The breaker of one model. `model` tells it from all others, as its name and its address do together."""
        return self._breakers[model]
