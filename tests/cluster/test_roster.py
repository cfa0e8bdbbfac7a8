"""Who is alive, in a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from server.call.desk.ids import Ids, owner_of
from server.cluster.announcement import Announcement, read
from server.cluster.member import Member
from server.cluster.roster import Roster
from server.errors import StoreError
from server.record.stores.redis_client import redis_client
from tests.redis_server import RedisServer

ONE = Announcement("w1", "http://127.0.0.1:1", "here", 1, "1.0", 0, "ready", "", 3, 1, 10)


@pytest.fixture
async def roster(redis_server: RedisServer) -> AsyncIterator[Roster]:
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    await redis.flushall()
    yield Roster(redis)
    await redis.aclose()


async def test_workers_are_present_until_they_leave(roster: Roster) -> None:
    await roster.announce(ONE)
    await roster.announce(replace(ONE, name="w2", calls=4))
    await roster.announce(replace(ONE, calls=5))
    assert [(worker.name, worker.calls) for worker in await roster.present()] == [("w1", 5), ("w2", 4)]
    await roster.leave("w1")
    assert [worker.name for worker in await roster.present()] == ["w2"]


async def test_one_that_leaves_takes_nobody_else_along(roster: Roster) -> None:
    """Its name may be that of the server that takes its place, which is announced already."""
    old = Member("w1", roster, lambda: ONE)
    for _ in range(2):
        await old.announce()
        await roster.announce(replace(ONE, since_ms=ONE.since_ms + 1))
    await old.announce()
    await old.close()
    assert [worker.since_ms for worker in await roster.present()] == [ONE.since_ms + 1]
    alone = Member("w2", roster, lambda: replace(ONE, name="w2"))
    await alone.announce()
    await alone.close()
    assert [worker.name for worker in await roster.present()] == ["w1"]


async def test_a_worker_that_says_nothing_is_forgotten(roster: Roster, redis_server: RedisServer) -> None:
    """Its key has expired, though its name is still in the set."""
    await roster.announce(ONE)
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        await redis.delete("antiphon:worker:w1")
        assert await roster.present() == []
        assert await redis.zcard("antiphon:workers") == 1
        await redis.zadd("antiphon:workers", {"w1": 0})
        await roster.present()
        assert await redis.zcard("antiphon:workers") == 0


async def test_a_worker_whose_clock_is_late_is_not_forgotten(roster: Roster, redis_server: RedisServer) -> None:
    """When somebody cleans up after a worker that is gone."""
    await roster.announce(ONE)
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        await redis.zadd("antiphon:workers", {"w1": 0, "w2": 0})
        for _ in range(2):
            assert [worker.name for worker in await roster.present()] == ["w1"]
        assert await redis.zrange("antiphon:workers", 0, -1) == ["w1"]


async def test_what_is_no_text_harms_nobody_else(roster: Roster, redis_server: RedisServer) -> None:
    await roster.announce(ONE)
    async with Redis.from_url(redis_server.url) as redis, redis_client(redis_server.url) as careful:
        await redis.zadd("antiphon:workers", {b"w\xff": 1e15, "w2": 1e15})
        await redis.set("antiphon:worker:w2", b"\xff\x00")
        seen = await Roster(careful).seen()
        assert [worker.name for worker in seen.present] == ["w1"]
        assert seen.missing == ["w2", "w\N{REPLACEMENT CHARACTER}"]


async def test_a_redis_that_is_not_there_is_an_error(redis_server: RedisServer) -> None:
    redis = Redis.from_url("redis://127.0.0.1:1", decode_responses=True)
    with pytest.raises(StoreError):
        await Roster(redis).present()
    await redis.aclose()


def test_what_is_no_announcement_is_left_out() -> None:
    assert read(ONE.written()) == ONE
    assert read('{"name": "w1"}') is None
    assert read("nonsense") is None
    assert replace(ONE, calls=5).load == 0.5


def test_an_id_names_its_worker() -> None:
    own = Ids("w3f2a").new()
    assert owner_of(own) == owner_of(f"rtc_{own}") == owner_of(f"sess_{own}") == "w3f2a"
    assert owner_of(Ids().new().replace("-", "_")) == ""
    assert owner_of("") == owner_of("shop-abc") == owner_of("Wa-abc") == owner_of("w-abc") == ""
