"""Packets as they come → what to play: a packet, or gaps before it to fill.

Nothing waits: a packet is used when it is there, what is missing before it is concealed at once, and one that comes
after its time is dropped. Sequence numbers wrap at 16 bits (RFC 3550, section 5.1).
"""

from dataclasses import dataclass

MAX_GAP = 5
"""So many lost packets (100 ms) are filled; a longer gap is a break, and speech goes on after it."""
MAX_AHEAD = 3_000
"""A sequence number further ahead than this, a minute, is a new start of the sender, not a loss (RFC 3550, A.1)."""
MAX_LATE = 50
"""A sequence number further back than this is a new start of the sender, not a late packet."""


@dataclass(slots=True)
class Arrivals:
    """Follows the sequence numbers of one sender."""

    late: int = 0
    """Packets that came after their time, or twice."""
    lost: int = 0
    """Packets that were missing when a later one came."""
    _last: int | None = None

    def receive(self, sequence: int) -> int | None:
        """How many packets are missing before this one, at most MAX_GAP; None when it is to be dropped."""
        last, self._last = self._last, sequence
        if last is None:
            return 0
        ahead = (sequence - last) & 0xFFFF
        if ahead == 0 or ahead > 0xFFFF - MAX_LATE:
            self._last = last
            self.late += 1
            return None
        if ahead > MAX_AHEAD:
            return 0
        self.lost += ahead - 1
        return min(ahead - 1, MAX_GAP)
