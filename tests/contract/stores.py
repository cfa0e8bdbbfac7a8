"""The stores of conversations, each with a function to open it.

To add a store, write a context manager that gives a function to open it, and add it to STORES.
"""

import contextlib
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from server.record.query import CallRow, Wanted
from server.record.store import Store
from server.record.stores.redis import RedisStore
from server.record.stores.sqlite import SqliteStore
from tests.redis_groups import LATE_MS, Group, cluster, watched
from tests.redis_server import RedisServer, redis_server

PATIENT_S = 30
"""How long an operation of a Redis may take here, on a busy machine."""
EVERYTHING = Wanted()
Open = Callable[[], Awaitable[Store]]
OneStore = contextlib.AbstractAsyncContextManager[Open]
"""Opens connections to one store, and closes them."""


class RedisServers:
    """The servers of Redis for the tests of a module. Those start that a test asks for."""

    def __init__(self, directory: Path, stack: contextlib.ExitStack) -> None:
        self._directory = directory
        self._stack = stack

    @functools.cached_property
    def single(self) -> RedisServer:
        return self._stack.enter_context(redis_server(self._directory))

    @functools.cached_property
    def watched(self) -> Group:
        return self._stack.enter_context(watched(self._directory, LATE_MS))

    @functools.cached_property
    def cluster(self) -> Group:
        return self._stack.enter_context(cluster(self._directory, LATE_MS))


@contextlib.asynccontextmanager
async def sqlite_file(directory: Path, _: RedisServers) -> AsyncIterator[Open]:
    async with contextlib.AsyncExitStack() as stack:

        async def open_store() -> Store:
            store = SqliteStore(str(directory / "conversations.db"))
            stack.push_async_callback(store.close)
            await store.open()
            return store

        yield open_store


@contextlib.asynccontextmanager
async def keys_at(url: str) -> AsyncIterator[Open]:
    async with contextlib.AsyncExitStack() as stack:
        prefix = f"test-{uuid.uuid4()}"

        async def open_store() -> Store:
            store = RedisStore(url, prefix, limit_s=PATIENT_S)
            stack.push_async_callback(store.close)
            return store

        yield open_store


def one_redis(_: Path, redis: RedisServers) -> OneStore:
    return keys_at(redis.single.url)


def redis_behind_sentinels(_: Path, redis: RedisServers) -> OneStore:
    return keys_at(redis.watched.url)


def redis_cluster(_: Path, redis: RedisServers) -> OneStore:
    return keys_at(redis.cluster.url)


STORES = [sqlite_file, one_redis, redis_behind_sentinels, redis_cluster]


async def pages(store: Store, limit: int, wanted: Wanted = EVERYTHING) -> list[list[CallRow]]:
    """All pages of what is wanted. Each has at most `limit` conversations."""
    found, before = [], None
    for _ in range(20):
        page = await store.finder.find(wanted, limit, before)
        found.append(list(page.rows))
        if (before := page.next) is None:
            break
    return found
