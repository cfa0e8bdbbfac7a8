"""Absence: the time in which a call has no connection, and waits for another one."""

import asyncio
from collections.abc import Callable


class Absence:
    """The absences of one caller. One that takes too long ends the call."""

    def __init__(self, longest_s: float, end: Callable[[], object]) -> None:
        self.since_s: float | None = None
        """Since when the caller is away, by the loop's clock. None: the caller is there."""
        self._longest_s = longest_s
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    @property
    def allowed(self) -> bool:
        """The call may wait for another connection."""
        return self._longest_s > 0

    def begin(self) -> None:
        """The connection is lost."""
        loop = asyncio.get_running_loop()
        self.since_s = loop.time()
        self._timer = loop.call_later(self._longest_s, self._end)

    def finish(self) -> int:
        """A connection has come, or the call has ended. Returns how long the caller was away, in ms."""
        if self._timer is not None:
            self._timer.cancel()
        since_s, self.since_s, self._timer = self.since_s, None, None
        return 0 if since_s is None else round((asyncio.get_running_loop().time() - since_s) * 1000)
