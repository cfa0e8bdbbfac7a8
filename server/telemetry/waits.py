"""Waits: knows which requests wait for a speech engine, since when, and how long others had to wait lately."""

from collections import deque

LATELY_S = 5.0
"""How long a wait that has ended still counts. Without it, a busy engine would look idle between two requests."""
MAX_ENDED = 256
"""How many waits that have ended are kept. With more, the oldest are dropped."""


class Waits:
    """The requests to one engine that wait for their answer. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._ended: deque[tuple[float, float]] = deque(maxlen=MAX_ENDED)
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._since)

    def begin(self, now_s: float) -> int:
        """Begin a wait. Returns a ticket, with which the wait is ended."""
        self._tickets += 1
        self._since[self._tickets] = now_s
        return self._tickets

    def end(self, ticket: int, now_s: float) -> float:
        """End a wait, with or without an answer. Returns how long it was."""
        waited_s = now_s - self._since.pop(ticket)
        self._ended.append((now_s, waited_s))
        return waited_s

    def oldest_s(self, now_s: float) -> float:
        """How long the oldest request waits by now. 0 if none waits."""
        return now_s - min(self._since.values(), default=now_s)

    def longest_s(self, now_s: float) -> float:
        """The longest wait, among those that have not ended and those that have ended in the last LATELY_S."""
        lately = (waited_s for ended_s, waited_s in self._ended if now_s - ended_s <= LATELY_S)
        return max(self.oldest_s(now_s), max(lately, default=0.0))
