"""LoopWatch: how late the media loop is, by the one timer that it has: the pacer's."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from server.media.frame import FRAME_MS

WINDOW_TICKS = 5_000 // FRAME_MS
"""A stall of a few ms has no say in it; trouble of a quarter of a second has."""
LATE_TICKS = WINDOW_TICKS // 20
REPORTED_TICKS = 200 // FRAME_MS
"""The latest of so many ticks is told: telling of each costs more than an idle call."""

Record = Callable[[float], None]
"""Takes seconds."""


class Clock(Protocol):
    """What is asked of the pacer."""

    late_s: float
    served_late_s: float

    def __len__(self) -> int: ...


class LoopWatch:
    """A member of the pacer. `on_lag` is told how late ticks began, `on_packet` how late their last packets left."""

    def __init__(self, pacer: Clock, on_lag: Record, on_packet: Record) -> None:
        self._pacer = pacer
        self._on_lag = on_lag
        self._on_packet = on_packet
        self._lags_ms: deque[float] = deque(maxlen=WINDOW_TICKS)
        self._number = -1
        self._reported = 0
        self._worst_lag_s = self._worst_packet_s = 0.0
        self.skipped = 0
        """Ticks that were left out, with the packets of all calls in them."""

    def tick(self, number: int) -> None:
        late_s, skipped, self._number = self._pacer.late_s, number - self._number - 1, number
        self._note(late_s)
        self.skipped += skipped
        for behind in range(min(skipped, WINDOW_TICKS) + 1):
            self._lags_ms.append(max(0.0, late_s * 1000 - behind * FRAME_MS))

    def _note(self, late_s: float) -> None:
        self._worst_lag_s = max(self._worst_lag_s, late_s)
        if len(self._pacer) > 1:
            self._worst_packet_s = max(self._worst_packet_s, self._pacer.served_late_s)
        if self._number // REPORTED_TICKS == self._reported:
            return
        self._reported = self._number // REPORTED_TICKS
        self._on_lag(self._worst_lag_s)
        if len(self._pacer) > 1:
            self._on_packet(self._worst_packet_s)
        self._worst_lag_s = self._worst_packet_s = 0.0

    def p95_ms(self) -> float:
        """Of the last few seconds; ticks that were left out are late, too, and those before the first were in time."""
        lags = sorted(self._lags_ms, reverse=True)
        return lags[LATE_TICKS] if len(lags) > LATE_TICKS else 0.0
