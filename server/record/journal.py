"""The journal writes conversations to the store in the background.

A call notes its record and goes on at once. Only the latest record of each conversation waits, because it contains all
earlier ones; so while the store is down, one record per call waits in memory, with all its postings that are not
written yet. Writing is tried again until it works.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.outbox import Posting

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 2.0
"""How long to wait between tries. The waits get longer, but stay short enough to notice soon that the store is back."""
MAX_WAITING = 2_000
"""How many conversations may wait, some 100 KB each. Eight busy lines have that many in half a day. When there are
more, one of them is lost."""

log = logging.getLogger(__name__)


class SavingStore(Protocol):
    """The part of a Store that the journal needs."""

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        """Write the record and its postings. False when the conversation no longer belongs to this server.

        Raises StoreError within a few seconds.
        """


class Journal:
    """Writes records to `store`, in a task of its own. Needs a running event loop.

    `on_lost` gets the id of a conversation that another server has taken over or that was deleted: its call must end.

    `written` counts records that were written, and `failures` counts failures of the store. `refused` counts records of
    conversations that no longer belong to this server. `lost` counts records that were never written, because too many
    waited or because of a bug.
    """

    def __init__(self, store: SavingStore, on_lost: Callable[[str], None]) -> None:
        self._store = store
        self._on_lost = on_lost
        self._waiting: dict[str, Conversation] = {}
        self._postings: dict[str, list[Posting]] = {}
        """Those of conversations that wait, oldest first."""
        self._noted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._retry_s = FIRST_RETRY_S
        self.down = False
        """The store failed when it was last written to."""
        self.written = self.failures = self.refused = self.lost = 0
        self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    def __len__(self) -> int:
        """How many conversations wait to be written."""
        return len(self._waiting)

    def has_written(self, conversation_id: str) -> bool:
        """All that was noted of this conversation is in the store."""
        return conversation_id not in self._waiting

    def note(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> None:
        """Write the record and its postings soon, without waiting. The records of a conversation must be noted in
        their order."""
        self._waiting[conversation.id] = conversation
        if postings:
            self._postings.setdefault(conversation.id, []).extend(postings)
        if len(self._waiting) > MAX_WAITING:
            self._drop_one()
        self._idle.clear()
        self._noted.set()

    async def close(self, deadline_s: float) -> None:
        """Write what still waits, which may take `deadline_s`, and end; idempotent."""
        if self._task.done():
            return
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            log.error("x the journal ends, and %d conversations are not written", len(self))
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
        postings = tuple(self._postings.get(conversation.id, ()))
        try:
            ours = await self._store.save(conversation, postings)
        except StoreError as error:
            self._postpone(conversation.id)
            await self._wait(error)
            return
        except Exception:
            log.exception("x a bug keeps a record of conversation %s from being written", conversation.id)
            self.lost += 1
        else:
            self._store_is_up()
            self._count(conversation.id, ours)
        del self._postings.get(conversation.id, [])[: len(postings)]
        if self._waiting.get(conversation.id) is conversation:
            del self._waiting[conversation.id]
            self._postings.pop(conversation.id, None)
        else:  # a later record came in the meantime: it waits behind the other conversations
            self._postpone(conversation.id)

    def _drop_one(self) -> None:
        """Drop the conversation that was tried longest ago."""
        dropped = next(iter(self._waiting))
        del self._waiting[dropped]
        self._postings.pop(dropped, None)
        if self.lost == 0:
            log.error("x more than %d conversations wait for the store: some are lost", MAX_WAITING)
        self.lost += 1

    def _postpone(self, conversation_id: str) -> None:
        """Move a conversation behind all others, so that one with many records or with a bug delays no other."""
        if (latest := self._waiting.pop(conversation_id, None)) is not None:
            self._waiting[conversation_id] = latest

    async def _wait(self, error: StoreError) -> None:
        """Wait before the next try, because the store has failed."""
        self.failures += 1
        if not self.down:
            self.down = True
            log.error("x the store is down, so conversations wait in memory: %r", error.__cause__ or error)
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
        log.warning("x conversation %s was taken over by another server or deleted", conversation_id)
        asyncio.get_running_loop().call_soon(self._on_lost, conversation_id)  # so its exceptions do not end the journal
