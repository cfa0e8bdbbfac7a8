"""Member: keeps telling the other workers that this one is alive, and knows where they are."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from server.cluster.announcement import Announcement
from server.cluster.roster import EVERY_S, Roster
from server.errors import StoreError

KNOWN_S = 1.0
"""For how long a worker that was found is not looked up again."""
MOST_KNOWN = 1_000
"""How many workers are remembered. When there are more, all are forgotten and looked up again."""

log = logging.getLogger(__name__)


class Member:
    """This server among the workers of its cluster. Needs a running event loop."""

    def __init__(self, name: str, roster: Roster, about: Callable[[], Announcement]) -> None:
        """`about` says what is to be announced now. It must not wait."""
        self.roster = roster
        self.name = name
        self.secret = ""
        """What all workers know, and nobody else; "" until Redis has been reached."""
        self._about = about
        self._known: dict[str, tuple[float, Announcement | None]] = {}
        """The workers that were looked up, and when."""
        self._heard_from = True
        self._task = asyncio.get_running_loop().create_task(self._announce(), name="announce")

    async def close(self) -> None:
        """Leave the cluster."""
        self._task.cancel()
        await asyncio.wait([self._task])
        with suppress(StoreError):
            await self.roster.leave(self.name)

    async def announce(self) -> None:
        """Tell the others now how this worker is."""
        own = self._about()
        try:
            before = await self.roster.announce(own)
            self.secret = await self.roster.secret()
        except StoreError:
            if self._heard_from:
                log.warning("x Redis does not answer: the other workers do not hear of this one")
            self._heard_from = False
            return
        if not self._heard_from:
            log.info("- Redis answers again")
        self._heard_from = True
        if before is not None and before.since_ms > own.since_ms:
            log.error("x another server is called %s, too: give each worker a name of its own", self.name)

    async def find(self, name: str) -> Announcement | None:
        """The worker of this name, if it is alive. While Redis does not answer, what was known last counts.

        Raises StoreError if nothing is known.
        """
        now = asyncio.get_running_loop().time()
        then_s, known = self._known.get(name, (0.0, None))
        if name in self._known and now - then_s < KNOWN_S:
            return known
        try:
            found = await self.roster.find(name)
        except StoreError:
            if name in self._known:
                return known
            raise
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = now, found
        return found

    def forget(self, name: str) -> None:
        """This worker does not answer: look it up again the next time."""
        self._known.pop(name, None)

    async def _announce(self) -> None:
        while True:
            await self.announce()
            await asyncio.sleep(EVERY_S)
