"""Waits: who waits for an engine, since when, and how long others had to wait lately."""

from collections import deque

LATELY_S = 5.0
"""A wait that has ended counts for so long: between two questions a busy engine looks idle."""
MAX_ENDED = 256
"""Waits that have ended and are kept; the oldest go first."""


class Waits:
    """The questions to one engine that are not answered yet. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._ended: deque[tuple[float, float]] = deque(maxlen=MAX_ENDED)
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._since)

    def begin(self, now_s: float) -> int:
        """Somebody waits from now on; returns the ticket to end it with."""
        self._tickets += 1
        self._since[self._tickets] = now_s
        return self._tickets

    def end(self, ticket: int, now_s: float) -> float:
        """The wait is over, with or without an answer; returns how long it was."""
        waited_s = now_s - self._since.pop(ticket)
        self._ended.append((now_s, waited_s))
        return waited_s

    def oldest_s(self, now_s: float) -> float:
        """How long the one has waited who waits longest; 0 when nobody does."""
        return now_s - min(self._since.values(), default=now_s)

    def longest_s(self, now_s: float) -> float:
        """The longest wait of the last few seconds, ended or not."""
        lately = (waited_s for ended_s, waited_s in self._ended if now_s - ended_s <= LATELY_S)
        return max(self.oldest_s(now_s), max(lately, default=0.0))
