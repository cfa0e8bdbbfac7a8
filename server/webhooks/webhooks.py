"""Webhooks: tells the operator's own systems what happens in calls.

The events of a call are taken from its records on their way to the store, and are written there together with them.
From there they are delivered, so neither an endpoint that is away nor a restart of the server loses any.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from server.record.conversation import Conversation
from server.record.outbox import Posting
from server.webhooks.deliveries import Deliveries, Store
from server.webhooks.events import between, body


class SavingStore(Store, Protocol):
    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool: ...


@dataclass(frozen=True, slots=True)
class Around:
    """What an event says of a call beside its record. `language` is that of a call whose record names none."""

    transport: str
    language: str


class Webhooks:
    """The webhooks of one server. `store` is where its journal has to write: what is saved there is delivered soon."""

    def __init__(self, store: SavingStore, deliveries: Sequence[Deliveries], types: Collection[str]) -> None:
        """Only events of these `types` are told."""
        self._store = store
        self._deliveries = deliveries
        self._types = types

    def start(self) -> None:
        for each in self._deliveries:
            each.start()

    async def close(self, empty_s: float) -> None:
        """Deliver what waits, which may take `empty_s`, and end; idempotent."""
        await asyncio.gather(*(each.close(empty_s) for each in self._deliveries))

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        """As the store does."""
        saved = await self._store.save(conversation, postings)
        if postings and saved:
            for each in self._deliveries:
                each.wake()
        return saved

    def follow(
        self, record: Conversation, around: Around, note: Callable[[Conversation, Sequence[Posting]], None]
    ) -> Callable[[Conversation], None]:
        """A function to note the next records of a call with, after `record`. It gives them to `note` with what is to
        be told of them."""
        before = record

        def note_next(after: Conversation) -> None:
            nonlocal before
            before, known = after, before
            note(after, self._postings(known, after, around))

        return note_next

    def _postings(self, before: Conversation, after: Conversation, around: Around) -> list[Posting]:
        if not self._deliveries:
            return []
        call = {
            "id": after.id,
            "agent": after.agent,
            "caller": after.caller,
            "transport": around.transport,
            "language": after.standing.language or around.language,
        }
        at_ms, postings = after.updated_ms, []
        timestamp = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        for number, event in enumerate(between(before, after)):
            if event.type in self._types:
                event_id = f"msg_{after.id}_{after.epoch}_{after.revision}_{number}"
                text = body(event, timestamp, call)
                postings += [Posting(each.address, event_id, at_ms, text) for each in self._deliveries]
        return postings

    # What is measured

    @property
    def trouble(self) -> str:
        """A sentence while an endpoint does not take events; "" while all do."""
        return next((each.trouble for each in self._deliveries if each.trouble), "")

    @property
    def delivered(self) -> int:
        return sum(each.delivered for each in self._deliveries)

    @property
    def failed(self) -> int:
        """Tries that have failed."""
        return sum(each.failed for each in self._deliveries)

    @property
    def waiting(self) -> int:
        """Calls with events that wait in the store, also for other servers, for each endpoint."""
        return sum(each.waiting for each in self._deliveries)

    @property
    def dropped(self) -> Counter[str]:
        """Events that were given up, by the reason."""
        return sum((each.dropped for each in self._deliveries), Counter())
