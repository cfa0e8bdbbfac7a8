"""The circuit breaker: it says when we must stop sending to a client (RFC 8083). Pure.

It knows only what the client's RTCP reports tell. A client that sends none, as some telephones do, is never cut off:
whether such a client is still there is seen by its own packets (`presence.py`). Time is counted in ticks of 20 ms, so
time in which this process has stalled does not count.

What RFC 8083 calls media usability (section 4.4) is not judged: the caller hangs up when the call is not usable.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

from server.media.frame import FRAME_MS
from server.media.rtcp import ReportBlock

INTERVAL_TICKS = 5_000 // FRAME_MS
"""How far apart a client's reports may be: 5 s (RFC 3550, section 6.2), or as far as they once were, if it is more."""
MISSED_INTERVALS = 3
"""After how many intervals without a report the client counts as gone (RFC 8083, section 4.1)."""
STALLED_REPORTS = 5
"""After how many reports in a row without a new packet nothing gets through to the client (section 4.2)."""
STALLED_TICKS = 5_000 // FRAME_MS
"""How long these reports must take at least. Ten reports a second would say the same thing during one round trip."""
WINDOW_TICKS = 15_000 // FRAME_MS
"""Over which time losses are averaged: 15 s, the longest time that section 4.3 asks for."""
TCP_RATES = 10
"""How many times as much as a TCP connection we may send over the same line (section 4.3)."""


class Fault(Enum):
    """Why we must stop sending."""

    NO_REPORTS = "the client has stopped to report"
    NOTHING_ARRIVES = "nothing that we send arrives"
    CONGESTION = "the network is congested"


@dataclass(frozen=True, slots=True)
class _Interval:
    """What was sent between two reports, and how much of it was lost, from 0 to 1."""

    ticks: int
    packets: int
    lost: float


class CircuitBreaker:
    """Watches what one client reports about our packets."""

    def __init__(self) -> None:
        self._ticks = 0
        self._reported_at: int | None = None
        """The tick of the last report."""
        self._interval = 0
        """The longest time between two reports so far, in ticks. 0 until the second report."""
        self._highest: int | None = None
        self._progress_at = 0
        """The tick of the last report that told of a new packet."""
        self._stalled = 0
        """How many reports have come since then, while packets were sent."""
        self._packets = 0
        """How many packets were sent since the last report."""
        self._intervals: deque[_Interval] = deque()
        self._round_trip_s = 0.0
        self._congested = False

    def sent(self) -> None:
        """Count a packet."""
        self._packets += 1

    def report(self, block: ReportBlock, round_trip_s: float | None) -> None:
        """Take what the client reports. Reports may come at any time, but not at any rate: each is remembered."""
        if round_trip_s is not None:
            self._round_trip_s = round_trip_s
        if self._reported_at is not None:
            ticks = self._ticks - self._reported_at
            self._interval = max(INTERVAL_TICKS, self._interval, ticks)
            self._intervals.append(_Interval(ticks, self._packets, block.lost))
            self._congested = self._sends_too_much()
        self._reported_at = self._ticks
        self._see_progress(block.highest)
        self._packets = 0

    def look(self) -> Fault | None:
        """Judge whether we must stop. Call it every 20 ms."""
        self._ticks += 1
        if self._reported_at is None or not self._interval:
            return None
        if self._packets and self._ticks - self._reported_at > MISSED_INTERVALS * self._interval:
            return Fault.NO_REPORTS
        if self._stalled >= STALLED_REPORTS and self._ticks - self._progress_at >= STALLED_TICKS:
            return Fault.NOTHING_ARRIVES
        return Fault.CONGESTION if self._congested else None

    def _see_progress(self, highest: int) -> None:
        if self._highest is None or 0 < (highest - self._highest) & 0xFFFFFFFF < 0x80000000:
            self._stalled, self._progress_at = 0, self._ticks
        elif self._packets:
            self._stalled += 1
        self._highest = highest

    def _sends_too_much(self) -> bool:
        """Whether we send more than TCP_RATES times as much as TCP would, at the same loss and round trip.

        TCP would send one packet in each `round trip × √(2/3 × loss)` (RFC 8083, section 4.3).
        """
        intervals = self._intervals
        while sum(each.ticks for each in intervals) - intervals[0].ticks >= WINDOW_TICKS:
            intervals.popleft()
        ticks = sum(each.ticks for each in intervals)
        packets = sum(each.packets for each in intervals)
        if ticks < WINDOW_TICKS or not packets:
            return False
        loss = sum(each.lost * each.packets for each in intervals) / packets
        packets_per_s = packets / (ticks * FRAME_MS / 1000)
        return packets_per_s * self._round_trip_s * math.sqrt(2 / 3 * loss) > TCP_RATES
