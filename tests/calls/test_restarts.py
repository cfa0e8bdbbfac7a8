"""Conversations that outlive their server and their store, with real processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.record.stores.redis import RedisStore
from tests.redis_server import RedisServer, redis_server
from tests.socket_phone import SocketPhone
from tests.started import Started, started


@asynccontextmanager
async def calling(server: Started, session_id: str = "new", resume: str = "") -> AsyncIterator[SocketPhone]:
    async with aiohttp.ClientSession() as http:
        phone = SocketPhone(server.url, http)
        await phone.dial(session_id, resume=resume)
        try:
            await phone.until(type="session")
            yield phone
        finally:
            await phone.hang_up()


async def ask(phone: SocketPhone, text: str) -> dict[str, Any]:
    """Type a text; returns the answer that was heard to its end."""
    known = {message["reply"] for message in phone.told if message["type"] == "response"}
    phone.send(type="text", text=text)
    while True:
        for message in phone.told:
            new = message["type"] == "response" and message["reply"] not in known
            if new and message["final"] and not message["interrupted"]:
                return message
        await asyncio.sleep(0.05)


def replies(phone: SocketPhone) -> set[int]:
    """The numbers of all answers of which a word was heard."""
    return {message["reply"] for message in phone.told if message["type"] == "response" and message["text"]}


async def test_killed_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    """After a kill -9 and a restart, the caller's next connection goes on with everything that was committed."""
    store = str(tmp_path / "conversations.db")
    async with asyncio.timeout(110):
        with started("--store", store) as server:
            async with calling(server) as phone:
                hello = await phone.until(type="session")
                await ask(phone, "my name is Anna")
                await ask(phone, "call me back tomorrow at ten")
                answered = max(replies(phone))
                phone.send(type="text", text="what are your opening hours")
                while max(replies(phone)) == answered:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                server.process.kill()
                await phone.closed.wait()
        with started("--store", store) as server:
            async with calling(server, hello["session_id"], phone.told[0]["resume"]) as again:
                resumed = await again.until(type="session")
                assert resumed["resumed"]
                assert resumed["session_id"] == hello["session_id"]
                answer = await ask(again, "what is my name")
                assert "Anna" in answer["text"]
                assert answer["reply"] > answered
                assert "ten" in (await ask(again, "when will you call me back"))["text"]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


async def test_a_store_that_hangs_costs_no_call_anything(redis: RedisServer) -> None:
    """While Redis hangs, calls go on as usual; when it is back, everything that was said is there."""
    async with asyncio.timeout(110):
        with started("--store", redis.url) as server:
            async with calling(server) as phone:
                hello = await phone.until(type="session")
                await ask(phone, "my name is Anna")
                redis.hang()
                assert "Anna" in (await ask(phone, "what is my name"))["text"]
                redis.go_on()
                await ask(phone, "are you a robot")
                store = RedisStore(redis.url)
                while True:
                    record = await store.load(hello["session_id"])
                    if record is not None and "are you a robot" in [said.text for said in record.said]:
                        break
                    await asyncio.sleep(0.1)
                await store.close()
            assert [said.text for said in record.said if said.who == "caller"] == [
                "my name is Anna", "what is my name", "are you a robot",
            ]  # fmt: skip
