"""Packets as they come → packets in order, each with how many are missing before it.

Nothing waits without need: while a network keeps the order, a gap is given up the moment it shows, because what is
missing is lost. A packet that comes after it was given up shows a network that reorders: from then on gaps stay open
as long as it was late, at most WINDOW_MS, until the network has kept the order for HOLD_MS. Time is handed in.
Sequence numbers wrap at 16 bits (RFC 3550, section 5.1).
"""

from typing import NamedTuple

from server.media.counters import MediaCounters
from server.media.rtp import RtpPacket

WINDOW_MS = 60
"""The longest wait for a packet. What is later than three packets is better made up."""
MARGIN_MS = 10
"""Added to how late a packet was, since the next one is not late by the same millisecond."""
HOLD_MS = 800
"""So long after the last packet out of order nothing waits any more."""
MAX_AHEAD = 3_000
"""Sequence numbers further ahead than this, a minute, are a new start of the sender, not a loss (RFC 3550, A.1)."""
MAX_LATE = 50
"""Sequence numbers further back than this are a new start of the sender, not late packets."""
MAX_HELD = 16
"""Packets behind a gap: more than come in WINDOW_MS. With more, the gap is given up."""


class Ready(NamedTuple):
    """A packet whose turn it is, after `missing` that were given up."""

    packet: RtpPacket
    missing: int


class JitterBuffer:
    """Follows the sequence numbers of one sender."""

    def __init__(self, counters: MediaCounters) -> None:
        self.window_ms = 0.0
        """How long a gap stays open at present."""
        self._counters = counters
        self._next: int | None = None
        self._proof: int | None = None
        """The sequence number that would show the one before it to be a new start of the sender."""
        self._held: dict[int, tuple[float, RtpPacket]] = {}
        self._given_up: dict[int, float] = {}
        self._disordered_ms = 0.0

    def push(self, packet: RtpPacket, now_ms: float) -> list[Ready]:
        """What is ready now that this packet is here."""
        sequence = packet.sequence
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) & 0xFFFF
        if sequence == self._proof:
            return self._restart(packet)
        if ahead > 0xFFFF - MAX_LATE:
            self._come_late(sequence, now_ms)
        elif ahead > MAX_AHEAD:
            self._proof = (sequence + 1) & 0xFFFF  # one alone is a straggler of long ago (RFC 3550, A.1)
            self._counters.late += 1
        elif sequence in self._held:
            self._counters.duplicate += 1
        elif ahead == 0 and not self._held:
            self._next = (sequence + 1) & 0xFFFF
            return [Ready(packet, 0)]
        else:
            if any((other - sequence) & 0xFFFF < MAX_AHEAD for other in self._held):
                self._see_disorder(now_ms - min(at_ms for at_ms, _ in self._held.values()), now_ms)
                self._counters.reordered += 1
            self._held[sequence] = (now_ms, packet)
        return self.poll(now_ms)

    def poll(self, now_ms: float) -> list[Ready]:
        """What is ready because nothing is waited for any longer; to be asked every few ms while packets are held."""
        if not self._held:
            return []
        assert self._next is not None, "because something came"
        if now_ms - self._disordered_ms > HOLD_MS:
            self.window_ms = 0.0
        ready = self._in_order(0)
        while self._held:
            opened_ms = min(at_ms for at_ms, _ in self._held.values())
            if now_ms - opened_ms < self.window_ms and len(self._held) <= MAX_HELD:
                break
            ready += self._give_up(opened_ms)
        return ready

    def _in_order(self, missing: int) -> list[Ready]:
        """All that follow without a gap; `missing` come before the first of them."""
        ready = []
        assert self._next is not None, "because something came"
        while (found := self._held.pop(self._next, None)) is not None:
            ready.append(Ready(found[1], missing))
            missing, self._next = 0, (self._next + 1) & 0xFFFF
        return ready

    def _give_up(self, opened_ms: float) -> list[Ready]:
        """Go on after the gap."""
        gap_start = self._next
        assert gap_start is not None, "because something came"
        missing = min((sequence - gap_start) & 0xFFFF for sequence in self._held)
        self._counters.lost += missing
        for number in range(max(0, missing - MAX_LATE), missing):
            self._given_up[(gap_start + number) & 0xFFFF] = opened_ms
        while len(self._given_up) > MAX_LATE:
            del self._given_up[next(iter(self._given_up))]
        self._next = (gap_start + missing) & 0xFFFF
        return self._in_order(missing)

    def _come_late(self, sequence: int, now_ms: float) -> None:
        opened_ms = self._given_up.pop(sequence, None)
        if opened_ms is None:
            self._counters.duplicate += 1
            return
        self._counters.late += 1
        self._see_disorder(now_ms - opened_ms, now_ms)

    def _see_disorder(self, late_ms: float, now_ms: float) -> None:
        self._disordered_ms = now_ms
        self.window_ms = min(WINDOW_MS, max(self.window_ms, late_ms + MARGIN_MS))

    def _restart(self, packet: RtpPacket) -> list[Ready]:
        """The sender has begun anew: what is held will never be complete."""
        self._proof = None
        self._held.clear()
        self._given_up.clear()
        self._next = (packet.sequence + 1) & 0xFFFF
        return [Ready(packet, 0)]
