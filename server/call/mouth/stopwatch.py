"""Stopwatch: when each stage of one exchange was reached, counted from the moment when the caller fell silent."""

from collections.abc import Callable
from typing import Literal

from server.call.messages import Metrics
from server.call.trace import UNTRACED, ExchangeTrace

Stage = Literal["endpoint", "transcript", "first_token", "first_clause", "first_packet"]


class Stopwatch:
    """One exchange. `now` gives seconds of any steady clock."""

    def __init__(self, now: Callable[[], float], trace: ExchangeTrace = UNTRACED) -> None:
        self.trace = trace
        """Follows the exchange."""
        self._now = now
        self._start = now()
        self.attempts = 0
        """How often an answer was begun; this counts the dropped ones and the one that was given."""
        self._stages: dict[Stage, float] = {}

    def restart(self) -> None:
        """The caller speaks, so everything that was measured is void."""
        self._start = self._now()
        self._stages.clear()

    @property
    def start_s(self) -> float:
        """When the caller fell silent."""
        return self._start

    @property
    def elapsed_ms(self) -> float:
        """How long the caller has been silent."""
        return (self._now() - self._start) * 1000

    def mark(self, stage: Stage) -> None:
        """The stage is reached now. Only the first time counts."""
        if stage not in self._stages:
            self._stages[stage] = round(self.elapsed_ms, 1)
            self.trace.mark(stage)

    def metrics(self, reply: int) -> Metrics:
        return Metrics.model_validate(
            {"reply": reply, "attempts": self.attempts} | {f"{stage}_ms": ms for stage, ms in self._stages.items()}
        )
