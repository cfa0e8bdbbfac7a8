"""Archive: what is kept of conversations, words and sound, for as long as it may be kept."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from server.errors import StoreError
from server.record.conversation import Conversation, Summary
from server.record.store import Store

SWEEP_S = 3600.0
"""Between sweeps: what is kept for days may stay an hour longer."""
DAY_MS = 24 * 3600 * 1000

log = logging.getLogger(__name__)


class Recordings(Protocol):
    """The sound of conversations, by their ids. Each raises StoreError when the disk refuses."""

    async def parts(self, conversation_id: str) -> Sequence[Path]:
        """Its files, oldest first; one that is still being recorded grows."""

    async def delete(self, conversation_id: str) -> bool:
        """Forget the sound for good, also if it is still being recorded; False when there is none."""

    async def sweep(self, before_ms: int) -> int:
        """Forget sound that was last written before then; returns how many files."""


class Archive:
    """Conversations at rest with their recordings. `now_ms` is the wall clock, in Unix milliseconds."""

    def __init__(self, store: Store, recordings: Recordings | None, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._recordings = recordings
        self._now_ms = now_ms
        self._task: asyncio.Task[None] | None = None

    async def page(self, limit: int, before: str | None = None) -> Sequence[Summary]:
        return await self._store.page(limit, before)

    async def load(self, conversation_id: str) -> Conversation | None:
        return await self._store.load(conversation_id)

    async def recording(self, conversation_id: str) -> Sequence[Path]:
        """The files of its sound, one for each server that it was held at, as far as they are here."""
        return await self._recordings.parts(conversation_id) if self._recordings is not None else ()

    async def delete(self, conversation_id: str) -> bool:
        """False when there was nothing of it. Sound that is on another server stays there until it is swept."""
        heard = await self._recordings.delete(conversation_id) if self._recordings is not None else False
        return await self._store.delete(conversation_id) or heard

    async def sweep(self, keep_days: float) -> None:
        """Forget what is older; what cannot be had now is swept next time."""
        before_ms = self._now_ms() - int(keep_days * DAY_MS)
        try:
            files = await self._recordings.sweep(before_ms) if self._recordings is not None else 0
            words = await self._store.sweep(before_ms)
        except StoreError as error:
            log.warning("x old conversations are not swept: %r", error.__cause__ or error)
            return
        if words or files:
            log.info("- forgot %d old conversations and %d recordings", words, files)

    def start(self, keep_days: float) -> None:
        """Sweep now and every hour, until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._sweep_for_ever(keep_days), name="archive-sweep")

    async def close(self) -> None:
        """Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep_for_ever(self, keep_days: float) -> None:
        while True:
            await self.sweep(keep_days)
            await asyncio.sleep(SWEEP_S)
