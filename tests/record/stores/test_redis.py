import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.errors import ConfigError, StoreError
from server.record.conversation import Conversation
from server.record.journal import Journal
from server.record.query import Wanted
from server.record.stores.redis import RedisStore
from tests.conversations import conversation, said_more
from tests.fakes.slow_proxy import slow_proxy
from tests.redis_server import RedisServer, redis_server

CALLS = 8
LIMIT_S = 0.5
"""How long an operation may take in tests where the server does not answer."""
FLUSH_S = 30
"""How long the journal may take to write everything."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@contextlib.asynccontextmanager
async def store_at(url: str, limit_s: float = FLUSH_S) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, limit_s=limit_s)
    try:
        yield store
    finally:
        with contextlib.suppress(StoreError):
            await store.close()


class Calls:
    """Eight calls that have one exchange after the other."""

    def __init__(self, journal: Journal) -> None:
        self.records: dict[str, Conversation] = {f"call-{i}": conversation(f"call-{i}") for i in range(CALLS)}
        self._journal = journal

    def go_on(self) -> None:
        """Each call has one exchange more."""
        self.records = {name: said_more(kept) for name, kept in self.records.items()}
        for kept in self.records.values():
            self._journal.note(kept)

    async def until(self, condition: Callable[[], bool]) -> None:
        """The calls go on until `condition` is true."""
        async with asyncio.timeout(FLUSH_S):
            while not condition():
                self.go_on()
                await asyncio.sleep(0.02)  # between exchanges


@contextlib.asynccontextmanager
async def journal_of(store: RedisStore) -> AsyncIterator[Journal]:
    journal = Journal(store, on_lost=pytest.fail)
    try:
        yield journal
    finally:
        await journal.close(FLUSH_S)


async def kept(redis: RedisServer, calls: Calls) -> dict[str, Conversation | None]:
    async with store_at(redis.url) as store:
        return {name: await store.load(name) for name in calls.records}


async def test_redis_is_killed_and_started_again(redis: RedisServer) -> None:
    """The calls go on while Redis is down. When it is up again, every exchange of every call is in it."""
    async with store_at(redis.url, LIMIT_S) as store:
        async with journal_of(store) as journal:
            calls = Calls(journal)
            await calls.until(lambda: journal.written >= CALLS)
            redis.kill()
            await calls.until(lambda: journal.failures >= 4)
            assert journal.down
            redis.start()
        assert await kept(redis, calls) == calls.records
        assert not journal.down


async def test_redis_hangs(redis: RedisServer) -> None:
    """When Redis accepts connections but does not answer, no record is lost, and its late writes undo nothing."""
    async with store_at(redis.url, LIMIT_S) as store:
        async with journal_of(store) as journal:
            calls = Calls(journal)
            await calls.until(lambda: journal.written >= CALLS)
            redis.hang()
            await calls.until(lambda: journal.failures >= 2)
            redis.go_on()
        assert await kept(redis, calls) == calls.records
        assert journal.lost == journal.refused == 0


async def test_redis_is_slow(redis: RedisServer) -> None:
    """Slow answers delay the journal but no call, and in the end Redis has the latest records."""
    async with slow_proxy(redis.socket, 0.02) as slow, store_at(f"unix://{slow}") as store:
        async with journal_of(store) as journal:
            calls = Calls(journal)
            await calls.until(lambda: journal.written >= 3)
            assert 0 < len(journal) <= CALLS
        assert await kept(redis, calls) == calls.records
        assert journal.failures == 0


async def test_a_late_answer_is_not_taken_for_the_next(redis: RedisServer) -> None:
    """After an operation that took too long, the next operation gets its own answer, not the late one."""
    async with store_at(redis.url, LIMIT_S) as store:
        for name in ("one", "two"):
            await store.save(conversation(name, exchanges=1))
        redis.hang()
        with pytest.raises(StoreError):
            await store.load("one")
        redis.go_on()
        for name in ("two", "one", "two"):
            assert await store.load(name) == conversation(name, exchanges=1)


async def test_a_conversation_that_is_updated_during_a_sweep_is_not_swept(redis: RedisServer) -> None:
    """A conversation that is updated between the sweep's search and its deletion is not deleted."""
    old = conversation(exchanges=1)
    now = said_more(old)
    async with slow_proxy(redis.socket, 0.05) as slow, store_at(redis.url) as fast:
        slowly = RedisStore(f"unix://{slow}")
        await fast.save(old)
        await slowly.load("one")
        sweeping = asyncio.create_task(slowly.sweep(old.updated_ms + 1))
        while "cmdstat_zrange" not in await fast._redis.info("commandstats"):
            assert not sweeping.done()
        await fast.save(now)
        assert await sweeping == 0
        assert await fast.load("one") == now
        await slowly.close()


async def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    """When the server cannot be reached, operations raise StoreError, but the start does not fail."""
    async with store_at(f"unix://{tmp_path}/nothing.sock", LIMIT_S) as store:
        with pytest.raises(StoreError):
            await store.load("one")


@pytest.mark.parametrize("url", ["redis://host:port", "http://127.0.0.1", "redis://127.0.0.1/0?db=x"])
def test_an_invalid_url_is_a_config_error(url: str) -> None:
    """An invalid URL is a ConfigError that names the setting."""
    with pytest.raises(ConfigError, match="ANTIPHON_STORE"):
        RedisStore(url)


async def test_a_record_of_another_program_cannot_be_loaded(redis: RedisServer) -> None:
    """Loading a record that another program wrote raises StoreError, and it can be deleted."""
    async with store_at(redis.url) as store:
        await store.save(conversation())
        await store._redis.hset("antiphon:conversation:one", "header", "{}")
        with pytest.raises(StoreError):
            await store.load("one")
        assert await store.delete("one")
        assert (await store.finder.find(Wanted(), 10)).rows == ()


async def test_nothing_of_a_deleted_conversation_stays(redis: RedisServer) -> None:
    """After a deletion only the mark is left that keeps a call from writing it again; after a sweep, nothing."""
    async with store_at(redis.url) as store:
        for name in ("deleted", "swept"):
            await store.save(conversation(name, exchanges=2))
        assert await store.delete("deleted")
        assert await store.sweep(conversation(exchanges=2).updated_ms + 1) == 1
        left = [key async for key in store._redis.scan_iter("antiphon:conversation:*")]
        assert left == ["antiphon:conversation:deleted"]
        assert await store._redis.hget(left[0], "row") is None
