"""Events outlive what becomes of servers and stores: restarts, stops, a store that is away or that ends."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from server.record.stores.redis import RedisStore
from server.webhooks import deliveries as deliveries_module
from tests.receiver import Receiver
from tests.redis_server import redis_server
from tests.webhooks.serving import ALL, HOUR_MS, Server, Wall, count, serving, types


async def test_a_restart_in_the_middle(path: str, posted: Receiver) -> None:
    """What one server could not deliver, the next one on the same file does: everything, in order, by the same ids."""
    wall = Wall()
    posted.answer = lambda event: 204 if event["type"] == "call.started" else 503
    async with serving(path, posted.url, wall=wall) as server:
        server.hold_call()
        await posted.until(count(2, posted))
    assert types(posted.taken) == ["call.started"]
    (failed,) = {each.id for each in posted.tries if each.answer == 503}
    posted.answer = lambda event: 204
    wall.ms += HOUR_MS
    async with serving(path, posted.url, wall=wall):
        await posted.until(lambda: len(posted.taken) == 6)
    assert types(posted.taken) == ALL
    assert failed in {each.id for each in posted.tries if each.answer == 204}


async def test_a_stop_in_the_middle_of_a_try(path: str, posted: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try that hangs when the server stops is put back, so that the next server need not wait for its time to end."""
    monkeypatch.setattr(deliveries_module, "STOP_S", 0.1)
    arrived, wall = asyncio.Event(), Wall()

    async def hang(event: dict[str, Any]) -> int:
        arrived.set()
        await asyncio.sleep(30)
        return 204

    posted.answer = hang
    async with serving(path, posted.url, wall=wall, timeout_s=30) as server:
        server.hold_call()
        await arrived.wait()
    posted.answer = lambda event: 204
    async with serving(path, posted.url, wall=wall):
        await posted.until(lambda: len(posted.taken) == 6)
    assert types(posted.taken) == ALL


async def test_two_servers_share_a_redis(tmp_path: Path, posted: Receiver) -> None:
    """Both deliver; each event arrives once, also when one of them stops halfway."""
    with redis_server(tmp_path) as redis:
        async with asyncio.timeout(20), AsyncExitStack() as stack:
            wall, servers = Wall(), []
            for _ in range(2):
                store = RedisStore(redis.url)
                stack.push_async_callback(store.close)
                servers.append(Server(store, wall, posted.url))
                stack.push_async_callback(servers[-1].close)
            for number in range(30):
                servers[number % 2].hold_call(f"c{number}")
            await posted.until(lambda: len(posted.taken) >= 60)
            await servers[0].close()
            await posted.until(lambda: len(posted.taken) == 180)
            await servers[1].close()
            assert len(posted.tries) == 180
            assert servers[0].webhooks.delivered > 0
            assert servers[1].webhooks.delivered > 0
            for number in range(30):
                name = f"c{number}"
                assert types([each for each in posted.taken if each["data"]["call"]["id"] == name]) == ALL


async def test_a_store_that_is_away_loses_nothing(tmp_path: Path, posted: Receiver) -> None:
    """Events wait with their records in memory while the store is down. A try whose end it missed is a double."""
    with redis_server(tmp_path) as redis:
        store = RedisStore(redis.url, limit_s=0.3)
        server = Server(store, Wall(), posted.url)
        async with asyncio.timeout(20):
            server.hold_call("before")
            await posted.until(lambda: len(posted.taken) == 6)
            await asyncio.sleep(0.2)
            redis.kill()
            server.hold_call("meanwhile")
            await asyncio.sleep(0.5)
            redis.start()
            await posted.until(lambda: len(posted.taken) == 12)
        await server.close()
        await store.close()
    assert types(posted.taken) == ALL + ALL
    assert len(posted.tries) == 12


async def test_memory_is_emptied_before_the_end(posted: Receiver) -> None:
    """A store that does not outlive the server has its events delivered when the server stops."""

    async def slow(event: dict[str, Any]) -> int:
        await asyncio.sleep(0.05)
        return 204

    posted.answer = slow
    async with serving(":memory:", posted.url) as server:
        for number in range(5):
            server.hold_call(f"c{number}")
        await server.close(empty_s=20)
    assert len(posted.taken) == 30


async def test_memory_does_not_wait_for_an_endpoint_that_fails(posted: Receiver) -> None:
    """The server ends without it."""
    posted.answer = lambda event: 500
    async with serving(":memory:", posted.url) as server:
        server.hold_call()
        await posted.until(count(1, posted))
        began_s = asyncio.get_running_loop().time()
        await server.close(empty_s=20)
        assert asyncio.get_running_loop().time() - began_s < 5
