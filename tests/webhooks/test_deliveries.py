"""Events from the record of a call to a real receiver, through a real store. The wall clock alone is the test's."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from server.record.conversation import Conversation, Exchange, Said, hash_token
from server.record.journal import Journal
from server.record.store import Store
from server.record.stores.redis import RedisStore
from server.record.stores.sqlite import SqliteStore
from server.record.used import Used
from server.webhooks import deliveries as deliveries_module
from server.webhooks.deliveries import Deliveries
from server.webhooks.endpoint import Endpoint
from server.webhooks.schedule import Schedule
from server.webhooks.signature import keys_of
from server.webhooks.types import TYPES
from server.webhooks.webhooks import Around, Webhooks
from tests.conversations import exchange
from tests.receiver import SECRET, Receiver, receiver
from tests.redis_server import redis_server

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


@pytest.fixture
async def posted() -> AsyncIterator[Receiver]:
    async with receiver() as receiving:
        yield receiving


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "conversations.db")


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def count(number: int, receiving: Receiver) -> Callable[[], bool]:
    return lambda: len(receiving.tries) >= number


async def test_a_call_is_told_in_order(path: str, posted: Receiver) -> None:
    """Each event comes once, with the call's own facts, and the end with the transcript of the record."""
    async with serving(path, posted.url) as server:
        server.hold_call()
        await posted.until(count(6, posted))
        await server.close()
        assert types(posted.taken) == ALL
        call = {"id": "one", "agent": "Shop", "caller": "ann", "transport": "whip", "language": "en"}
        assert [event["data"]["call"] for event in posted.taken] == [call] * 6
        assert {event["timestamp"] for event in posted.taken} == {"2023-11-14T22:13:20.000+00:00"}
        record = await server.store.load("one")
        assert record is not None
        told = posted.taken[-1]["data"]["transcript"]
        assert [(said["who"], said["text"]) for said in told] == [(said.who, said.text) for said in record.said]
        assert (server.webhooks.delivered, server.webhooks.failed, server.webhooks.trouble) == (6, 0, "")
        assert [await server.store.outbox.waiting(each.address) for each in server.deliveries] == [0]


async def test_only_chosen_events_are_told(path: str, posted: Receiver) -> None:
    """The others are not even written to the store."""
    store = SqliteStore(path)
    await store.open()
    server = Server(store, Wall(), posted.url)
    server.webhooks._types = ("call.ended",)
    server.hold_call()
    await posted.until(count(1, posted))
    await server.close()
    await store.close()
    assert types(posted.taken) == ["call.ended"]


@pytest.mark.parametrize("status", [500, 503, 429, 302, 408])
async def test_what_fails_is_tried_again_with_the_same_id(
    path: str, posted: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The others of the call wait behind it, no redirect is followed, and the log has no word and no path."""
    posted.answer = lambda event: web.Response(status=status, headers={"Location": "/elsewhere"})
    caplog.set_level(logging.INFO)
    async with serving(path, f"{posted.url}?key=hidden") as server:
        server.hold_call()
        await posted.until(count(1, posted))
        await server.pass_hours(0.01)
        await posted.until(count(2, posted))
        assert {each.path for each in posted.tries} == {"/calls"}
        assert types([each.event for each in posted.tries]) == ["call.started"] * 2
        assert "does not take events" in server.webhooks.trouble
        posted.answer = lambda event: 204
        await server.pass_hours(1)
        await posted.until(lambda: len(posted.taken) == 6)
        assert types(posted.taken) == ALL
        assert len({each.id for each in posted.tries}) == 6
        assert (server.webhooks.failed, server.webhooks.trouble) == (2, "")
    lines = [record.getMessage() for record in caplog.records if "webhook" in record.getMessage()]
    assert [line.partition(" the webhook http://127.0.0.1")[0] for line in lines] == ["x", "="]
    assert not any("hidden" in line or "calls" in line for line in lines)


async def test_an_event_that_is_refused_holds_up_no_other(path: str, posted: Receiver) -> None:
    """It steps aside, and is tried again by itself."""
    posted.answer = lambda event: 422 if event["type"] == "tool" else 204
    async with serving(path, posted.url) as server:
        server.hold_call()
        await posted.until(lambda: "call.ended" in types(posted.taken))
        assert types(posted.taken) == [each for each in ALL if each != "tool"]
        posted.answer = lambda event: 204
        await server.pass_hours(1)
        await posted.until(lambda: len(posted.taken) == 6)
        assert sorted(types(posted.taken)) == sorted(ALL)


async def test_gone_gives_up_that_event_alone(path: str, posted: Receiver) -> None:
    """After 410 the event is not tried again, and those behind it are delivered."""
    posted.answer = lambda event: 410 if event["type"] == "exchange" else 204
    async with serving(path, posted.url) as server:
        server.hold_call()
        await posted.until(lambda: "call.ended" in types(posted.taken))
        await server.pass_hours(100)
        await asyncio.sleep(0.2)
        assert len(posted.tries) == 6
        assert server.webhooks.dropped == {"gone": 2}


async def test_retry_after_is_respected(path: str, posted: Receiver) -> None:
    """A receiver that asks for an hour has it."""
    posted.answer = lambda event: web.Response(status=429, headers={"Retry-After": "3600"})
    async with serving(path, posted.url) as server:
        server.hold_call()
        await posted.until(count(1, posted))
        await server.pass_hours(0.9)
        await asyncio.sleep(0.2)
        assert len(posted.tries) == 1
        await server.pass_hours(0.2)
        await posted.until(count(2, posted))


async def test_an_endpoint_that_hangs_holds_up_no_other(path: str, posted: Receiver) -> None:
    """The other one has everything at once, and no more than 8 events are on their way to the first."""
    async with receiver() as stuck:
        hang = asyncio.Event()

        async def wait(event: dict[str, Any]) -> int:
            await hang.wait()
            return 204

        stuck.answer = wait
        async with serving(path, stuck.url, posted.url, timeout_s=30) as server:
            for number in range(20):
                server.hold_call(f"c{number}")
            await posted.until(lambda: len(posted.taken) == 120)
            await asyncio.sleep(0.2)
            assert (stuck.at_once, stuck.most_at_once) == (8, 8)
            assert server.deliveries[1].failed == 0
            hang.set()


async def test_a_try_ends_at_its_limit(path: str, posted: Receiver) -> None:
    """An endpoint that does not answer in time has failed, and the event comes again."""
    hang = asyncio.Event()

    async def wait(event: dict[str, Any]) -> int:
        await hang.wait()
        return 204

    posted.answer = wait
    async with serving(path, posted.url, timeout_s=0.3) as server:
        server.hold_call()
        while not server.webhooks.failed:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        hang.set()
        await server.pass_hours(1)
        await posted.until(lambda: "call.ended" in types(posted.taken))
        assert types(posted.taken) == ALL


async def test_nobody_listens(path: str, posted: Receiver) -> None:
    """An address at which nothing answers is a failure like any other; what is too old is dropped, and counted."""
    async with serving(path, "http://127.0.0.1:9/", posted.url, hours=1) as server:
        server.hold_call()
        await posted.until(lambda: len(posted.taken) == 6)
        while server.webhooks.failed < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await server.pass_hours(2)
        while server.webhooks.dropped["too old"] < 6:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert await server.store.outbox.waiting(server.deliveries[0].address) == 0


async def test_a_deleted_conversation_is_not_told(path: str, posted: Receiver) -> None:
    """Not even its end, which would bring the transcript."""
    posted.answer = lambda event: 500
    async with serving(path, posted.url) as server:
        server.hold_call()
        await posted.until(count(1, posted))
        await server.journal.close(5)
        assert await server.store.delete("one")
        posted.answer = lambda event: 204
        await server.pass_hours(10)
        await asyncio.sleep(0.3)
        assert posted.taken == []


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


async def test_a_long_transcript_does_not_hold_up_the_loop(path: str, posted: Receiver) -> None:
    """The end of a call with 2,000 exchanges is read, written and sent in small steps."""
    long = Exchange((Said("caller", "why " * 100, 0, 1), Said("agent", "because " * 50, 1, 2)))
    async with serving(path, posted.url) as server:
        record = Conversation("one", "Shop", START_MS, START_MS, exchanges=(long,) * 2_000, revision=1)
        note = server.webhooks.follow(record, Around("whip", "en"), server.journal.note)
        worst_s, loop = 0.0, asyncio.get_running_loop()
        note(record.closed("caller", Used(), START_MS))
        while not server.webhooks.delivered:
            began_s = loop.time()
            await asyncio.sleep(0)
            worst_s = max(worst_s, loop.time() - began_s)
        assert len(posted.taken[0]["data"]["transcript"]) == 4_000
        print(f"longest step {worst_s * 1000:.1f} ms")
        assert worst_s < 0.5
