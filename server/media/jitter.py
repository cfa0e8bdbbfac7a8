"""The jitter buffer: puts packets in order, and says how many are missing before each one.

It waits only when waiting helps. While a network keeps the order of packets, a missing packet is lost, so the buffer
gives it up at once, when the next packet comes. If a packet comes after it was given up, the network reorders packets.
From then on the buffer waits for a missing packet as long as that one was late, at most WINDOW_MS. It stops waiting
when the network has kept the order for HOLD_MS.

The methods get the time as an argument. Sequence numbers wrap at 16 bits (RFC 3550, section 5.1).
"""

from typing import NamedTuple

from server.media.counters import MediaCounters
from server.media.rtp import RtpPacket

WINDOW_MS = 60
"""How long the buffer waits for a packet at most: the time of three packets. Sound that comes later is better made
up."""
MARGIN_MS = 10
"""Added to how late the last late packet was: the buffer waits this much longer, because the next packet is not late
by exactly the same time."""
HOLD_MS = 800
"""How long after the last packet that was out of order the buffer stops waiting."""
MAX_AHEAD = 3_000
"""How far ahead a sequence number may be to count as a loss: a minute of packets. If it is further ahead, the sender
has started anew (RFC 3550, A.1)."""
MAX_LATE = 50
"""How far back a sequence number may be to count as a late packet. If it is further back, the sender has started
anew."""
MAX_HELD = 16
"""How many packets the buffer holds behind a missing one: more than come in WINDOW_MS. With more, it gives up."""


class Ready(NamedTuple):
    """A packet that may be decoded now. `missing` packets directly before it were given up."""

    packet: RtpPacket
    missing: int


class JitterBuffer:
    """Holds the packets of one sender, and follows its sequence numbers."""

    def __init__(self, counters: MediaCounters) -> None:
        self.window_ms = 0.0
        """How long the buffer waits for a missing packet at present. 0: it gives up at once."""
        self._counters = counters
        self._next: int | None = None
        self._proof: int | None = None
        """Set after a jump of the sequence numbers: if a packet with this number comes, the sender has started anew."""
        self._held: dict[int, tuple[float, RtpPacket]] = {}
        """By sequence number: packets that wait behind a missing one, each with its time of arrival."""
        self._given_up: dict[int, float] = {}
        """By sequence number: packets that were given up, each with the time when the wait for it began."""
        self._disordered_ms = 0.0
        """When the last packet came that was out of order."""

    def push(self, packet: RtpPacket, now_ms: float) -> list[Ready]:
        """Take a packet. Returns the packets that are ready now."""
        sequence = packet.sequence
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) & 0xFFFF
        if sequence == self._proof:
            return self._restart(packet)
        if ahead > 0xFFFF - MAX_LATE:
            self._come_late(sequence, now_ms)
        elif ahead > MAX_AHEAD:
            self._proof = (sequence + 1) & 0xFFFF  # one such packet alone may just be very late (RFC 3550, A.1)
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
        """Give up the packets that are too late. Returns the packets that are ready now.

        Call it every few ms while packets are held.
        """
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
        """Take out the held packets that follow without a gap. `missing` packets are missing before the first one."""
        ready = []
        assert self._next is not None, "because something came"
        while (found := self._held.pop(self._next, None)) is not None:
            ready.append(Ready(found[1], missing))
            missing, self._next = 0, (self._next + 1) & 0xFFFF
        return ready

    def _give_up(self, opened_ms: float) -> list[Ready]:
        """Give up the packets that are missing, and go on with the first one that is held."""
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
        """The sender has started anew: follow its new sequence numbers, and drop the packets that are held."""
        self._proof = None
        self._held.clear()
        self._given_up.clear()
        self._next = (packet.sequence + 1) & 0xFFFF
        return [Ready(packet, 0)]
