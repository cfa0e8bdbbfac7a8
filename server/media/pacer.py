"""The clock of all calls: every 20 ms each call sends its next packet.

The times of all ticks are fixed when the first one comes, so they do not drift. If the loop stalls, up to two missed
ticks follow at once. After a longer stall the missed ticks are left out, because their sound would come too late.
"""

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context, copy_context

from server.media.frame import FRAME_MS

MAX_MISSED = 2
"""How many missed ticks follow at once after a stall: 40 ms, as much as a browser's buffer absorbs. After a longer
stall the browser has already made sound up, and would play the missed packets too late."""

Tick = Callable[[int], None]
"""A member: a function that is called at each tick, with the number of the tick."""

log = logging.getLogger(__name__)


class Pacer:
    """Calls all its members at every tick. A member must not wait. A member that raises is not called again."""

    def __init__(self) -> None:
        self._members: dict[Tick, Context] = {}
        """Each with the context in which it has joined, which says to which call it belongs."""
        self._task: asyncio.Task[None] | None = None
        self.late_s = 0.0
        """How late the present tick began."""
        self.served_late_s = 0.0
        """How late the last member of the tick before was done: how late that tick's last packet left."""

    def __len__(self) -> int:
        return len(self._members)

    def join(self, tick: Tick) -> None:
        """Add a member. The clock runs while there are members."""
        self._members[tick] = copy_context()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="pacer")

    def leave(self, tick: Tick) -> None:
        """Remove a member. Idempotent."""
        self._members.pop(tick, None)
        if not self._members and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        start, number = loop.time(), 0
        while True:
            due = start + number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.late_s = loop.time() - due
            missed = int(self.late_s * 1000 / FRAME_MS)
            if missed > MAX_MISSED:
                number += missed
            for tick in tuple(self._members):
                self._call(tick, number)
            self.served_late_s = loop.time() - due
            number += 1

    def _call(self, tick: Tick, number: int) -> None:
        context = self._members.get(tick)
        if context is None:
            return  # another member has removed it in this tick
        try:
            context.run(tick, number)
        except Exception:
            context.run(log.exception, "x fault in the tick of a call; the other calls go on")
            self.leave(tick)
