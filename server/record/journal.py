"""Journal: writes conversations down behind the calls' backs.

A call notes its record and goes on at once. Of each conversation only the latest record waits, because it has all that
the ones before had: a store that is away costs one record a call. What could not be written is tried again until it is.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from server.errors import StoreError
from server.record.conversation import Conversation

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 2.0
"""Tries are further and further apart, but a store that is back is noticed soon."""
MAX_WAITING = 2_000
"""Conversations that wait, some 100 KB each: what eight busy lines have in half a day. Beyond it one is lost."""

log = logging.getLogger(__name__)


class Saves(Protocol):
    """The part of a Store that the journal needs."""

    async def save(self, conversation: Conversation) -> bool:
        """False when the conversation is no longer ours. Raises StoreError, within a few seconds."""


class Journal:
    """`on_lost` gets the id of a conversation that another server has taken over or somebody deleted: its call is over.

    Needs a running loop. Counts: `written` records, `failures` of the store, `refused` records that are no longer ours,
    and `lost` ones: too many waited, or a bug keeps them from being written at all.
    """

    def __init__(self, store: Saves, on_lost: Callable[[str], None]) -> None:
        self._store = store
        self._on_lost = on_lost
        self._waiting: dict[str, Conversation] = {}
        self._noted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._retry_s = FIRST_RETRY_S
        self.down = False
        self.written = self.failures = self.refused = self.lost = 0
        self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    def __len__(self) -> int:
        """Conversations that are not written yet."""
        return len(self._waiting)

    def note(self, conversation: Conversation) -> None:
        """Have the record written soon; never waits. Records of one conversation come in their order."""
        self._waiting[conversation.id] = conversation
        if len(self._waiting) > MAX_WAITING:
            self._drop_one()
        self._idle.clear()
        self._noted.set()

    async def close(self, deadline_s: float) -> None:
        """Write what waits, for no longer than the deadline; idempotent."""
        if self._task.done():
            return
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            log.error("x the journal ends with %d conversations not written", len(self))
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._noted.wait()
            self._noted.clear()
            while self._waiting:
                await self._write(next(iter(self._waiting.values())))
            self._idle.set()

    async def _write(self, conversation: Conversation) -> None:
        try:
            ours = await self._store.save(conversation)
        except StoreError as error:
            self._postpone(conversation.id)
            await self._wait(error)
            return
        except Exception:
            log.exception("x fault: a record of conversation %s cannot be written", conversation.id)
            self.lost += 1
        else:
            self._store_is_up()
            self._count(conversation.id, ours)
        if self._waiting.get(conversation.id) is conversation:
            del self._waiting[conversation.id]
        else:  # a later one has come meanwhile: after the others
            self._postpone(conversation.id)

    def _drop_one(self) -> None:
        """The one that was tried the longest ago."""
        del self._waiting[next(iter(self._waiting))]
        if self.lost == 0:
            log.error("x more than %d conversations wait for the store: some are lost", MAX_WAITING)
        self.lost += 1

    def _postpone(self, conversation_id: str) -> None:
        """To the end: no conversation keeps the others waiting, be it talkative or at fault."""
        if (latest := self._waiting.pop(conversation_id, None)) is not None:
            self._waiting[conversation_id] = latest

    async def _wait(self, error: StoreError) -> None:
        self.failures += 1
        if not self.down:
            self.down = True
            log.error("x the store is down, conversations wait in memory: %r", error.__cause__ or error)
        await asyncio.sleep(self._retry_s)
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)

    def _store_is_up(self) -> None:
        self._retry_s = FIRST_RETRY_S
        if self.down:
            self.down = False
            log.warning("= the store is up again, %d conversations wait", len(self))

    def _count(self, conversation_id: str, ours: bool) -> None:
        if ours:
            self.written += 1
            return
        self.refused += 1
        log.warning("x conversation %s is no longer ours", conversation_id)
        asyncio.get_running_loop().call_soon(self._on_lost, conversation_id)  # its faults are not the journal's
