"""How a request to a speech worker is followed: it carries its trace, and the answer tells how long it took.

Whoever follows sets FOLLOWER around the request. The clients of our workers read it; a worker knows nothing of tracing,
and gives `traceparent` back as it came. Other servers than our workers are not told.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

TRACEPARENT, SERVED = "traceparent", "served"
"""The names of the fields in Wyoming's events: of the trace in a request, and of the times in its answer."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a worker has served one request. Times are seconds."""

    traceparent: str
    """The trace in the request, as it came (W3C Trace Context)."""
    engine: str
    queue_s: float
    """From the request until the engine began with it."""
    engine_s: float
    """How long the engine has computed for it."""
    total_s: float
    """From the request until all of its answer was made."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows one request."""

    traceparent: str
    """The trace to which the request belongs."""
    on_served: Callable[[Served], None]
    """Is told of it at the end, on the loop."""


FOLLOWER: ContextVar[Follower | None] = ContextVar("follower", default=None)
"""Who follows the requests to speech engines that the present task makes."""


def trace_of(follower: Follower | None) -> dict[str, Any]:
    """What a request tells a worker of its follower."""
    return {} if follower is None else {TRACEPARENT: follower.traceparent}


def tell(follower: Follower | None, data: Mapping[str, Any]) -> None:
    """Tell the follower what is in the data of an answer. An answer that says nothing that can be read is none."""
    served = data.get(SERVED)
    if follower is None or not isinstance(served, dict):
        return
    try:
        times = [float(served[name]) for name in ("queue_s", "engine_s", "total_s")]
        follower.on_served(Served(str(served["traceparent"]), str(served["engine"]), *times))
    except (KeyError, TypeError, ValueError):
        return


class Timekeeper:
    """Measures how a worker serves one request. The loop makes it, and the engine's thread calls `worked`."""

    def __init__(self, traceparent: str, engine: str, now: Callable[[], float] = time.monotonic) -> None:
        self._traceparent, self._engine, self._now = traceparent, engine, now
        self._asked_s = now()
        self._begun_s: float | None = None
        self._engine_s = 0.0

    def worked(self, began_s: float, ended_s: float) -> None:
        """The engine has worked for the request in this time."""
        if ended_s > self._asked_s:
            self._begun_s = max(began_s, self._asked_s) if self._begun_s is None else self._begun_s
            self._engine_s += ended_s - max(began_s, self._asked_s)

    @property
    def served(self) -> dict[str, Any]:
        """The times so far, for the answer."""
        total_s = self._now() - self._asked_s
        queue_s = total_s if self._begun_s is None else self._begun_s - self._asked_s
        served = Served(self._traceparent, self._engine, queue_s, self._engine_s, total_s)
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(served).items()}
