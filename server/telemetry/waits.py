"""Waits: knows which requests wait for a speech engine, since when, and how long others had to wait lately."""

from collections import deque
from collections.abc import Iterable

LATELY_S = 5.0
"""How long a wait that has ended still counts. Without it, a busy engine would look idle between two requests."""
REMEMBERED_S = 15.0
"""How long the last wait of a caller counts who has asked for nothing since. In a conversation each side speaks more
often than that. So callers who listen count, too, and not only those who ask again and again."""
SERVED_IN_TIME = 4
"""If one caller of so many is served in time, a new caller would be, too."""
MAX_ENDED = 256
"""How many waits that have ended are kept. With more, the oldest are dropped."""


class Waits:
    """The requests to one engine, or of one caller, that wait for their answer.

    Times are seconds of any steady clock.
    """

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

    def lately_s(self, now_s: float) -> float | None:
        """The longest wait, among those that have not ended and those that have ended in the last LATELY_S.

        If none has ended since then, the last one counts that has ended in the last REMEMBERED_S. None: there was none.
        """
        ended = [waited_s for ended_s, waited_s in self._ended if now_s - ended_s <= LATELY_S]
        ended = ended or [waited_s for ended_s, waited_s in list(self._ended)[-1:] if now_s - ended_s <= REMEMBERED_S]
        return max([self.oldest_s(now_s), *ended]) if self._since or ended else None


def expected_s(callers: Iterable[Waits], now_s: float) -> float:
    """How long a new caller would wait, judged by the requests of each caller: three of four wait at least so long.

    It is not the longest wait. One caller can make that long, with long speech or many requests: these wait for each
    other, while other callers are served in between. So a few callers who wait long say nothing about the next one.
    When the server itself is too slow, hardly anybody is served in time. It is not the median either, because ten
    callers with long speech may be more than all others.

    Of two or three callers the one counts who is served best. One caller alone says nothing, so the result is 0: the
    wait may be of its own making, and if it is not, the second caller will show it.
    """
    lately = sorted(waited_s for waits in callers if (waited_s := waits.lately_s(now_s)) is not None)
    return lately[len(lately) // SERVED_IN_TIME] if len(lately) > 1 else 0.0
