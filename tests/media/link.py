"""A bad network, the same one every time: says of each packet when it arrives, once, twice or never."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Impairment:
    """Shares are of 1. Jitter keeps the order; a reordered packet alone is `reorder_ms` later."""

    loss: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 45.0
    duplicate: float = 0.0
    delay_ms: float = 0.0
    cuts_ms: tuple[tuple[float, float], ...] = ()
    """From and to: nothing that is sent meanwhile arrives."""


@dataclass(slots=True)
class Link:
    """One direction."""

    impairment: Impairment
    seed: int = 1
    _last_ms: float = 0.0
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def arrivals_ms(self, now_ms: float) -> list[float]:
        """When a packet that is sent now arrives."""
        bad = self.impairment
        lost, late, twice, jitter = (self._rng.random() for _ in range(4))
        if lost < bad.loss or any(start <= now_ms < end for start, end in bad.cuts_ms):
            return []
        self._last_ms = at_ms = max(self._last_ms, now_ms + bad.delay_ms + jitter * bad.jitter_ms)
        if late < bad.reorder:
            at_ms += bad.reorder_ms
        return [at_ms, at_ms + 5.0] if twice < bad.duplicate else [at_ms]


class Clock:
    """Time that jumps from one event to the next."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, time_ms: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time_ms, len(self._events) + int(time_ms * 1_000_000), do))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self.now_ms, _, do = heapq.heappop(self._events)
            do()
