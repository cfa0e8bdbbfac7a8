"""LoopWatch: measures how late the media loop is. It uses the one timer that all calls share: the pacer."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from server.media.frame import FRAME_MS

WINDOW_TICKS = 5_000 // FRAME_MS
"""How many of the last ticks are judged together: 5 s."""
LATE_TICKS = WINDOW_TICKS // 20
"""How many of these ticks may be late without an effect on `p95_ms`: a quarter of a second. So one stall of a few ms
does not count as trouble, but a quarter of a second of late ticks does."""
REPORTED_TICKS = 200 // FRAME_MS
"""How many ticks are reported together: 200 ms. Only the latest of them is reported. To report each tick would cost
more than an idle call."""

Record = Callable[[float], None]
"""A function that records a measured time in seconds."""


class Clock(Protocol):
    """The part of the pacer that is used here."""

    late_s: float
    served_late_s: float

    def __len__(self) -> int: ...


class LoopWatch:
    """Watches the pacer as one of its members: `tick` must join it.

    `on_lag` records how late ticks began, `on_packet` records how late their last packets left.
    """

    def __init__(self, pacer: Clock, on_lag: Record, on_packet: Record) -> None:
        self._pacer = pacer
        self._on_lag = on_lag
        self._on_packet = on_packet
        self._lags_ms: deque[float] = deque(maxlen=WINDOW_TICKS)
        self._number = -1
        self._reported = 0
        self._worst_lag_s = self._worst_packet_s = 0.0
        self.skipped = 0
        """How many ticks were left out. In each of them, no call sent a packet."""

    def tick(self, number: int) -> None:
        """Note how late this tick is. The pacer calls it."""
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
        """How late ticks were in the last 5 s: 95 % of them were less late.

        Ticks that were left out count as late. Ticks before the server's first one count as in time.
        """
        lags = sorted(self._lags_ms, reverse=True)
        return lags[LATE_TICKS] if len(lags) > LATE_TICKS else 0.0
