"""Member: keeps telling the other workers that this one is alive, and knows where they are."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from server.cluster.announcement import Announcement
from server.cluster.roster import EVERY_S, EXPIRY_S, OPERATION_S, Roster, Seen
from server.errors import StoreError

KNOWN_S = 1.0
"""For how long a worker that was found is not looked up again."""
LOOK_UP_S = 0.5
"""How long a look-up in Redis may hold up a request. What is known already is used after that."""
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
        self.hears = True
        """Redis has answered when it was last asked."""
        self._announcing = asyncio.Lock()
        """An older announcement never takes the place of a newer one."""
        self._silent_until_s = 0.0
        """Another server has the name, and was started later: it is the one that is to be found. Until then, by the
        loop's clock, this one says nothing."""
        self._last = Seen((), ())
        self._known: dict[str, tuple[float, Announcement | None]] = {}
        """The workers that were looked up, and when."""
        self._task = asyncio.get_running_loop().create_task(self._announce(), name="announce")

    async def close(self) -> None:
        """Leave the cluster. Another server that has the name by now stays in it."""
        for _ in range(2):  # the client of Redis may swallow a cancellation
            self._task.cancel()
            await asyncio.wait([self._task], timeout=OPERATION_S)
        with suppress(StoreError):
            found = await self.roster.find(self.name)
            if found is None or found.since_ms == self._about().since_ms:
                await self.roster.leave(self.name)

    async def announce(self) -> None:
        """Tell the others now how this worker is."""
        async with self._announcing:
            if asyncio.get_running_loop().time() >= self._silent_until_s:
                await self._tell(self._about())

    async def _tell(self, own: Announcement) -> None:
        try:
            before = await self.roster.announce(own)
            self.secret = await self.roster.secret()
        except StoreError:
            if self.hears:
                log.warning("x Redis does not answer: the other workers do not hear of this one")
            self.hears = False
            return
        if not self.hears:
            log.info("- Redis answers again")
        self.hears = True
        if before is not None and before.since_ms > own.since_ms:
            log.error("x another server is called %s, too: give each worker a name of its own", self.name)
            self._silent_until_s = asyncio.get_running_loop().time() + EXPIRY_S

    async def find(self, name: str) -> Announcement | None:
        """The worker of this name, if it is alive. While Redis does not answer, what was known last counts.

        Raises StoreError if nothing is known.
        """
        now = asyncio.get_running_loop().time()
        then_s, known = self._known.get(name, (0.0, None))
        if name in self._known and (now - then_s < KNOWN_S or not self.hears):
            return known
        try:
            async with asyncio.timeout(LOOK_UP_S):
                found = await self.roster.find(name)
        except (StoreError, TimeoutError) as exc:
            if name in self._known:
                return known
            raise StoreError("The list of workers is not available.") from exc
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = now, found
        return found

    async def seen(self) -> Seen:
        """All workers, this one too. While Redis does not answer, those that were seen last."""
        if self.hears:
            with suppress(StoreError):
                self._last = await self.roster.seen()
        return self._last

    async def ready(self) -> Sequence[Announcement]:
        """The other workers that take new calls."""
        present = (await self.seen()).present
        return [worker for worker in present if worker.state == "ready" and worker.name != self.name]

    def forget(self, name: str) -> None:
        """This worker does not answer: look it up again the next time."""
        self._known.pop(name, None)

    async def _announce(self) -> None:
        while True:
            try:
                await self.announce()
            except Exception:
                log.exception("x fault while this worker is announced")
            await asyncio.sleep(EVERY_S)
