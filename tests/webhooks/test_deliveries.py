"""Events from the record of a call to a real receiver, through a real store. The wall clock alone is the test's."""

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web

from server.record.conversation import Conversation, Exchange, Said
from server.record.stores.sqlite import SqliteStore
from server.record.used import Used
from server.webhooks.webhooks import Around
from tests.receiver import Receiver, receiver
from tests.webhooks.serving import ALL, START_MS, Server, Wall, count, serving, types


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
