"""What the client's reports tell about our packets on their way to it, and so how much will be lost. Pure.

Reports come every second to every five seconds, and each tells of few packets or of many: while the agent is silent,
hardly any packets are sent. So losses are counted by packets, not by reports: two lost of ten say little.
"""

import math

from server.media.counters import MediaCounters
from server.media.rtcp import ReportBlock

HALF_LIFE_PACKETS = 500
"""After so many more packets, 10 s of speech, a loss counts half. Sooner, the end of each burst would be taken for the
end of all losses. Later, the agent would sound worse than it must for long after they have ended."""
GOOD_PACKETS = 50
"""So many packets without a loss, one second of speech, are assumed before the first report. So one lost packet alone
does not make a bad line."""
MAX_REPORTED_PACKETS = 1_500
"""How many packets one report may tell of. If it tells of more, its numbers cannot be right."""
BEGIN, END = 0.02, 0.01
"""From which share of lost packets on losses are expected, and below which share no more. With 2 %, a word in every
second sentence is damaged. The distance between them keeps the encoder from changing to and fro."""
MAX_PERCENT = 30
"""How many percent are expected at most. With more, the encoder would spend nearly all bits on copies."""


class Downlink:
    """The way of our packets to one client."""

    def __init__(self, clock_rate: int, counters: MediaCounters) -> None:
        self._clock_rate = clock_rate
        self._counters = counters
        self._highest: int | None = None
        self._packets, self._lost = float(GOOD_PACKETS), 0.0
        """How many packets were sent and lost lately. Both fade."""
        self.expected_loss_percent = 0
        """How many percent of the packets will probably be lost. 0 while losses are so rare that they do not matter."""

    def report(self, block: ReportBlock, round_trip_s: float | None) -> None:
        """Take what the client reports."""
        sent = self._counters.sent  # the first report tells of all packets so far
        packets = sent if self._highest is None else (block.highest - self._highest) & 0xFFFFFFFF
        self._highest = block.highest
        if packets <= MAX_REPORTED_PACKETS:
            fading = 0.5 ** (packets / HALF_LIFE_PACKETS)
            self._packets = GOOD_PACKETS + (self._packets - GOOD_PACKETS) * fading + packets
            self._lost = self._lost * fading + packets * block.lost
        share = self._lost / self._packets
        expects = share >= (END if self.expected_loss_percent else BEGIN)
        self.expected_loss_percent = min(MAX_PERCENT, math.ceil(100 * share)) if expects else 0
        self._counters.reports += 1
        self._counters.lost_percent = 100 * share
        self._counters.jitter_ms = block.jitter * 1000 / self._clock_rate
        if round_trip_s is not None:
            self._counters.round_trip_ms = round_trip_s * 1000
