"""The archive: stored conversations with their recordings. It deletes both when they are too old."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.query import Counted, Found, Period, Wanted
from server.record.store import Store

SWEEP_S = 3600.0
"""How long to wait between sweeps. Conversations are kept for days, so an hour more does not matter."""
DAY_MS = 24 * 3600 * 1000

log = logging.getLogger(__name__)


class Recordings(Protocol):
    """The sound of conversations, by their ids. Every method raises StoreError when the disk fails."""

    async def parts(self, conversation_id: str) -> Sequence[Path]:
        """The files of a conversation, oldest first. A file that is still being recorded grows."""

    async def delete(self, conversation_id: str) -> bool:
        """Delete the sound for ever, even while it is being recorded. False when there is none."""

    async def sweep(self, before_ms: int) -> int:
        """Delete sound that was last written before `before_ms`. Returns how many files."""


class Archive:
    """Stored conversations with their recordings. `now_ms` is the wall clock, in Unix milliseconds."""

    def __init__(self, store: Store, recordings: Recordings | None, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._recordings = recordings
        self._now_ms = now_ms
        self._task: asyncio.Task[None] | None = None

    async def find(self, wanted: Wanted, limit: int, before: str | None = None) -> Found:
        """The first conversations that are wanted, or those after the cursor `before`."""
        return await self._store.finder.find(wanted, limit, before)

    async def figures(self, period: Period) -> Counted:
        """How the exchanges of the period went."""
        return await self._store.finder.figures(period)

    async def catch_up(self) -> None:
        """Prepare the conversations of earlier servers for being found. It takes milliseconds for each of them."""
        caught_up = 0
        while found := await self._store.finder.catch_up():
            caught_up += found
        if caught_up:
            log.info("- %d conversations of earlier servers can be searched now", caught_up)

    async def load(self, conversation_id: str) -> Conversation | None:
        return await self._store.load(conversation_id)

    async def recording(self, conversation_id: str) -> Sequence[Path]:
        """The files of its sound that are on this server, oldest first. Each server of a call has a file of its own."""
        return await self._recordings.parts(conversation_id) if self._recordings is not None else ()

    async def delete(self, conversation_id: str) -> bool:
        """Delete words and sound. False when there was neither.

        Sound on another server stays there until that server sweeps it.
        """
        had_sound = await self._recordings.delete(conversation_id) if self._recordings is not None else False
        return await self._store.delete(conversation_id) or had_sound

    async def sweep(self, keep_days: float) -> None:
        """Delete what is older than `keep_days`. If the store or the disk fails, the next sweep tries again."""
        before_ms = self._now_ms() - int(keep_days * DAY_MS)
        try:
            files = await self._recordings.sweep(before_ms) if self._recordings is not None else 0
            words = await self._store.sweep(before_ms)
        except StoreError as error:
            log.warning("x old conversations cannot be deleted now: %r", error.__cause__ or error)
            return
        if words or files:
            log.info("- deleted %d old conversations and %d recordings", words, files)

    def start(self, keep_days: float) -> None:
        """Sweep now and every hour, until `close`. Conversations of earlier servers can be searched soon."""
        self._task = asyncio.get_running_loop().create_task(self._sweep_for_ever(keep_days), name="archive-sweep")

    async def close(self) -> None:
        """End the sweeps; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep_for_ever(self, keep_days: float) -> None:
        while True:
            await self.sweep(keep_days)
            with suppress(StoreError):  # in an hour it is tried again
                await self.catch_up()
            await asyncio.sleep(SWEEP_S)
