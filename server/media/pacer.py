"""One clock for all calls: every 20 ms each of them sends its next packet.

Ticks are set by the loop's clock from the first one on, so they do not drift. After a stall the ticks that were missed
are made up, two at most; after a longer one they are left out, because nobody wants to hear late what was due then.
"""

import asyncio
import logging
from collections.abc import Callable

from server.media.frame import FRAME_MS

MAX_MISSED = 2
"""Ticks that are made up after a stall: 40 ms, what a browser's buffer absorbs. After more it has made sound up
already, and a burst would only be played too late."""

Tick = Callable[[int], None]

log = logging.getLogger(__name__)


class Pacer:
    """Calls every member with the number of the tick. A member never waits; one that raises is called no more."""

    def __init__(self) -> None:
        self._members: set[Tick] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, tick: Tick) -> None:
        """Call `tick` from now on. The clock runs while somebody needs it."""
        self._members.add(tick)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="pacer")

    def leave(self, tick: Tick) -> None:
        """Call it no more; idempotent."""
        self._members.discard(tick)
        if not self._members and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        start, number = loop.time(), 0
        while True:
            due = start + number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            missed = int((loop.time() - due) * 1000 / FRAME_MS)
            if missed > MAX_MISSED:
                number += missed
            for tick in tuple(self._members):
                self._call(tick, number)
            number += 1

    def _call(self, tick: Tick, number: int) -> None:
        if tick not in self._members:
            return  # left in this very tick
        try:
            tick(number)
        except Exception:
            log.exception("x fault in a call's tick: the other calls go on")
            self.leave(tick)
