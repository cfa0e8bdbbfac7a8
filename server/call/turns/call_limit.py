"""CallLimit: a call does not last for ever. The agent says goodbye before the longest time is over."""

from math import inf

from server.media.frame import FRAME_MS

GOODBYE_MS = 30_000
"""The agent takes leave as soon as nobody speaks in the last 30 s, so that it cuts off nobody in most calls. These 30 s
are at most half of the time that a call may last."""


class CallLimit:
    """The time of one call. Time without a connection does not count."""

    def __init__(self, longest_min: float) -> None:
        """`longest_min` in minutes; 0 is no limit."""
        self._left_ms = longest_min * 60_000 if longest_min else inf
        self._goodbye_ms = min(GOODBYE_MS, self._left_ms / 2)

    def pass_frame(self, quiet: bool) -> bool:
        """20 ms have passed. Returns whether the agent has to take leave now, which it has only once.

        `quiet`: nobody speaks and nothing is being answered.
        """
        self._left_ms -= FRAME_MS
        due = self._left_ms <= 0 or (quiet and self._left_ms <= self._goodbye_ms)
        if due:
            self._left_ms = inf
        return due
