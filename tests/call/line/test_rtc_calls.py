"""Peers that take the place of others, over real sockets: how many there are, and what is freed."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import aiohttp
import pytest

from server.call.attachment import CONNECTIONS_AT_ONCE
from server.call.caller import Caller
from server.errors import NotFound
from server.media.reach import GatherServer
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.loopback import SETTINGS
from tests.offers import audio, data, offer
from tests.phone import Phone, calling

pytestmark = pytest.mark.loopback_time

_numbers = count(1)


def nobody() -> str:
    """An offer of a client that never connects, each time of another one."""
    return offer(audio(), data()).replace("AB:AB:AB", f"AB:AB:{next(_numbers):02X}")


async def post(running: Exchange, http: aiohttp.ClientSession, **more: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(running.url, json={"sdp": nobody(), "type": "offer", **more}) as response:
        assert response.status != 429 or int(response.headers["Retry-After"]) > 0
        return response.status, await response.json()


def udp_sockets() -> int:
    """How many UDP sockets this process has."""
    with open("/proc/self/net/udp", encoding="ascii") as table:
        inodes = {line.split()[9] for line in table.readlines()[1:]}
    return sum(target.removeprefix("socket:[").removesuffix("]") in inodes for target in _targets())


def _targets() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


async def until_sockets(count: int) -> None:
    """Wait until the process has so many UDP sockets: peers are closed a moment after they are not wanted."""
    while udp_sockets() != count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("at_once", [False, True])
async def test_moves_without_end_hold_one_peer(at_once: bool) -> None:
    """Of many offers for a live call a few are answered, and one peer waits for its client. The call itself goes on."""
    async with asyncio.timeout(40), exchange(Mind().agent()) as running, calling(running.url) as phone:
        before = udp_sockets()
        async with aiohttp.ClientSession() as http:
            offers = [post(running, http, pc_id=phone.pc_id) for _ in range(4 * CONNECTIONS_AT_ONCE)]
            answers = await asyncio.gather(*offers) if at_once else [await one for one in offers]
            statuses = Counter(status for status, _ in answers)
            assert statuses[429] >= 2 * CONNECTIONS_AT_ONCE
            assert {body["error"]["code"] for status, body in answers if status == 429} == {"too_many"}
            assert set(statuses) <= {200, 400, 429}, "400: a newer offer came while this one was being answered"
            await until_sockets(before + 1)
        phone.send(type="text", text="hello")
        await phone.until(type="response", text="You said hello.", final=True)


async def test_resumes_without_end_hold_one_peer() -> None:
    """The same limit holds for offers with the token of a conversation, which waits all the time."""
    async with asyncio.timeout(40), exchange(Mind().agent(), resume_s=60) as running, aiohttp.ClientSession() as http:
        async with calling(running.url) as phone:
            hello = await phone.until(type="session")
            await phone.drop()
        while running.directory.detached == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        before = udp_sockets()
        token = {"session_id": hello["session_id"], "resume": hello["resume"]}
        statuses = [(await post(running, http, requestData=token))[0] for _ in range(3 * CONNECTIONS_AT_ONCE)]
        assert statuses[0] == 200
        assert statuses.count(429) >= CONNECTIONS_AT_ONCE
        assert len(running.directory) == 1
        await until_sockets(before + 1)


async def test_the_newest_offer_for_a_call_that_is_not_connected_wins() -> None:
    """A client that offers again before it is connected gets through by the newest offer, and the place stays its own.

    The peer before is closed long before its time to connect, 15 s, is over.
    """
    async with asyncio.timeout(12), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        first = (await post(running, http))[1]["pc_id"]
        phone = Phone(running.url, http)
        before = udp_sockets()
        await phone.dial(pc_id=first)
        await phone.opened.wait()
        await until_sockets(before + 1)
        phone.send(type="text", text="hello")
        await phone.until(type="response", text="You said hello.", final=True)
        assert len(running.directory) == 1
        await phone.hang_up()


async def test_a_resumed_conversation_keeps_its_place_while_a_newer_offer_is_open() -> None:
    """When a conversation comes from the store, an older offer for it that ends does not take the place away."""
    async with asyncio.timeout(40), exchange(Mind().agent("Hello."), resume_s=0.1) as running:
        async with aiohttp.ClientSession() as http:
            async with calling(running.url) as phone:
                hello = await phone.until(type="session")
                await phone.until(type="response", text="Hello.", final=True)
                [session] = running.directory._places.sessions
                session.move()
                await session.over.wait()
            token = {"session_id": hello["session_id"], "resume": hello["resume"]}
            assert (await post(running, http, requestData=token))[0] == 200
            newer = Phone(running.url, http)
            await newer.dial(requestData=token)
            await newer.opened.wait()
            newer.send(type="text", text="hello")
            await newer.until(type="response", text="You said hello.", final=True)
            await newer.hang_up()


async def test_a_peer_that_cannot_be_made_leaves_no_place_taken() -> None:
    """When the constructor of a peer fails, for a new call and for a conversation of the store, the place is free."""

    def fail() -> Sequence[GatherServer]:
        raise RuntimeError("no credentials")

    reach = replace(SETTINGS.reach, gather_servers=fail)
    async with asyncio.timeout(20), exchange(reach=reach, limit=2) as running, aiohttp.ClientSession() as http:
        for _ in range(5):
            assert (await post(running, http))[0] == 500
            assert len(running.directory) == 0


async def test_a_connection_that_cannot_be_attached_frees_all(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the server at the moment when a peer connects ends the call, and frees its place and its sockets."""
    async with asyncio.timeout(20), exchange() as running, aiohttp.ClientSession() as http:

        def fail(record: object) -> None:
            raise RuntimeError("no store")

        running.notebook.note = fail  # type: ignore[method-assign]
        before = udp_sockets()
        phone = Phone(running.url, http)
        await phone.dial()
        while len(running.directory):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await phone.hang_up()
        await until_sockets(before)
    assert "no store" in caplog.text


async def test_a_client_that_has_only_the_name_of_its_call_comes_back() -> None:
    """The call waits for its client, who needs no token. Nobody else gets it, and nobody does when it is over."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running, aiohttp.ClientSession() as http:
        async with calling(running.url) as phone:
            hello = await phone.until(type="session")
            await phone.drop()
        while running.directory.detached == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with pytest.raises(NotFound):
            await running.calls.move(nobody(), Caller(name="somebody else"), phone.pc_id)
        again = Phone(running.url, http)
        await again.dial(pc_id=phone.pc_id)
        back = await again.until(type="session")
        assert (back["session_id"], back["resumed"]) == (hello["session_id"], True)
        assert again.pc_id == phone.pc_id
        again.send(type="hangup")
        await again.closed.wait()
        while len(running.directory) > 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await post(running, http, pc_id=phone.pc_id))[0] == 404
        assert not running.calls._waiting
