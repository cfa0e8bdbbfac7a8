"""What a server has for webhooks, with a wall clock that goes only when it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from server.record.conversation import Conversation, hash_token
from server.record.journal import Journal
from server.record.store import Store
from server.record.stores.sqlite import SqliteStore
from server.record.used import Used
from server.webhooks.deliveries import Deliveries
from server.webhooks.endpoint import Endpoint
from server.webhooks.schedule import Schedule
from server.webhooks.signature import keys_of
from server.webhooks.types import TYPES
from server.webhooks.webhooks import Around, Webhooks
from tests.conversations import exchange
from tests.receiver import SECRET, Receiver

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
ALL = ["call.started", "tool", "exchange", "tool", "exchange", "call.ended"]
"""The events of the call that `Server.hold_call` holds."""


class Wall:
    """A wall clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms


class Server:
    """What a server has for webhooks: a store, a journal, and deliveries to each of some addresses."""

    def __init__(self, store: Store, wall: Wall, *urls: str, timeout_s: float = 5.0, hours: float = 72) -> None:
        self.store, self.wall = store, wall
        schedule = Schedule(round(hours * HOUR_MS))
        self.deliveries = [Deliveries(store, Endpoint(url, keys_of(SECRET), timeout_s), schedule, wall) for url in urls]
        self.webhooks = Webhooks(store, self.deliveries, TYPES)
        self.journal = Journal(self.webhooks, on_lost=print)
        self.webhooks.start()

    def hold_call(self, name: str = "one", exchanges: int = 2) -> None:
        """A whole call, from its first record to its last."""
        record = Conversation(name, "Shop", self.wall(), self.wall(), caller="ann")
        note = self.webhooks.follow(record, Around("whip", "en"), self.journal.note)
        note(record := record.with_token(hash_token(name), self.wall()))
        for number in range(exchanges):
            note(record := record.with_exchange(exchange(number), self.wall(), ""))
        note(record := record.ended(self.wall()))
        note(record.closed("caller", Used(1_000, 2, 3), self.wall()))

    async def pass_hours(self, hours: float) -> None:
        """When all tries have come to their end, time passes. Then everything that is due is tried."""
        await self.journal.close(5)
        while any(each._running for each in self.deliveries):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.wall.ms += round(hours * HOUR_MS)
        for each in self.deliveries:
            each.wake()

    async def close(self, empty_s: float = 0.0) -> None:
        await self.journal.close(5)
        await self.webhooks.close(empty_s)
        await self.webhooks.close(empty_s)


@asynccontextmanager
async def serving(path: str, *urls: str, wall: Wall | None = None, **options: Any) -> AsyncIterator[Server]:
    store = SqliteStore(path)
    await store.open()
    server = Server(store, wall or Wall(), *urls, **options)
    try:
        async with asyncio.timeout(20):
            yield server
    finally:
        await server.close()
        await store.close()


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def count(number: int, receiving: Receiver) -> Callable[[], bool]:
    return lambda: len(receiving.tries) >= number
