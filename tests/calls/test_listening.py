"""Operators listen to live calls by WHEP, with real peers on both sides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest

from server.call.listeners import MAX_LISTENERS
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.listener import CALLER_HZ, SDP, Listener
from tests.offers import HOST, audio, offer, video
from tests.phone import RATE, Phone, calling

pytestmark = pytest.mark.loopback_time

GREETING = "Welcome to the shop. " * 8
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
ADMIN = {"Authorization": "Bearer the operator's own token"}
TONE = (8_000 * np.sin(2 * np.pi * CALLER_HZ * np.arange(20 * RATE) / RATE)).astype("<i2").tobytes()


@asynccontextmanager
async def call(greeting: str = "", **changes: Any) -> AsyncIterator[tuple[Exchange, Phone, str, aiohttp.ClientSession]]:
    """A live call with its id."""
    async with (
        asyncio.timeout(40),
        exchange(Mind().agent(greeting), **changes) as running,
        calling(running.url) as phone,
        aiohttp.ClientSession() as http,
    ):
        yield running, phone, (await phone.until(type="session"))["session_id"], http


async def post(running: Exchange, http: aiohttp.ClientSession, call_id: str, sdp: str = "") -> int:
    """The status of an offer of somebody who never connects."""
    sdp = sdp or offer(audio("0", "a=recvonly"))
    return (await http.post(f"{running.home}/whep/{call_id}", data=sdp, headers=SDP | ADMIN)).status


async def test_an_operator_hears_both_sides() -> None:
    """The agent alone, both at once, the caller alone, and nobody. The caller's client is told nothing of it."""
    async with call(GREETING) as (running, phone, call_id, http):
        operator = Listener(running.home, call_id, http, ADMIN)
        await operator.listen()
        assert "a=sendonly" in operator.answer
        await operator.until(agent=True, caller=False)
        phone.say(TONE)
        await operator.until(agent=True, caller=True)
        phone.send(type="interrupt")
        await operator.until(agent=False, caller=True)
        phone.microphone._pcm = b""
        await operator.until(agent=False, caller=False)
        assert {message["type"] for message in phone.told} == {"session", "state", "response", "clause", "interrupted"}
        await operator.close()


async def test_listening_ends_with_the_call() -> None:
    """The connection of the listener is closed, and its session is gone."""
    async with call() as (running, phone, call_id, http):
        operator = Listener(running.home, call_id, http, ADMIN)
        await operator.listen()
        phone.say(TONE)
        await operator.until(agent=False, caller=True)
        await phone.hang_up()
        await operator.ended.wait()
        assert (await http.delete(operator.session, headers=ADMIN)).status == 404
        assert await post(running, http, call_id) == 404
        await operator.close()


async def test_a_listener_goes_on_when_the_call_moves() -> None:
    """The caller is heard on the other connection, too."""
    async with call() as (running, phone, call_id, http):
        operator = Listener(running.home, call_id, http, ADMIN)
        await operator.listen()
        phone.say(TONE)
        await operator.until(agent=False, caller=True)
        another = Phone(running.url, http)
        await another.dial(pc_id=phone.pc_id)
        await another.opened.wait()
        await operator.until(agent=False, caller=False)
        another.say(TONE)
        await operator.until(agent=False, caller=True)
        assert not operator.ended.is_set()
        await another.hang_up()
        await operator.close()


async def test_a_listener_who_vanishes_makes_room_and_the_call_goes_on() -> None:
    """Nothing comes from the listener any more, and after a while its place is free."""
    async with call(vanished_s=2.5) as (running, phone, call_id, http):
        operators = [Listener(running.home, call_id, http, ADMIN) for _ in range(MAX_LISTENERS)]
        for operator in operators:
            await operator.listen()
        phone.say(TONE)
        await asyncio.gather(*(operator.until(agent=False, caller=True) for operator in operators))
        assert await post(running, http, call_id) == 503
        for protocol in operators[0].pc.getTransceivers()[0].receiver.transport.transport._connection._protocols:
            protocol.transport.abort()
        while await post(running, http, call_id) == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        phone.send(type="text", text="hello")
        await phone.until(type="response", text="You said hello.", final=True)
        print(
            operators[1].heard[-50:],
            [o.ended.is_set() for o in operators],
            len(phone.microphone._pcm),
            [len(o.heard) for o in operators],
        )
        await operators[1].until(agent=False, caller=True)
        for operator in operators:
            await operator.close()


async def test_a_listener_who_leaves_makes_room() -> None:
    """503 says when to come again. DELETE ends one listener, once."""
    async with call() as (running, _, call_id, http):
        url, body = f"{running.home}/whep/{call_id}", offer(audio("0", "a=recvonly"))
        answers = [await http.post(url, data=body, headers=SDP | ADMIN) for _ in range(MAX_LISTENERS + 1)]
        assert [answer.status for answer in answers] == [201] * MAX_LISTENERS + [503]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert answers[0].headers["Link"].startswith('<turn:turn.example.org>; rel="ice-server"; username="')
        session = running.home + answers[0].headers["Location"]
        assert (
            await http.delete(f"{running.home}/whep/other/{session.rpartition('/')[2]}", headers=ADMIN)
        ).status == 404
        assert [(await http.delete(session, headers=ADMIN)).status for _ in range(2)] == [200, 404]
        while await post(running, http, call_id) == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_candidates_and_restarts_come_by_patch() -> None:
    """As WHIP has it. An offer that also sends is answered `sendonly` all the same."""
    async with call() as (running, _, call_id, http):
        url = f"{running.home}/whep/{call_id}"
        response = await http.post(url, data=offer(audio()), headers=SDP | ADMIN)
        assert "a=sendonly" in await response.text()
        session, tag = running.home + response.headers["Location"], response.headers["ETag"]
        trickle = FRAGMENT | ADMIN
        assert (await http.patch(session, data=f"{HOST}\r\n", headers=trickle | {"If-Match": tag})).status == 204
        fresh = f"a=ice-ufrag:new0\r\na=ice-pwd:{'n' * 22}\r\n"
        restarted = await http.patch(session, data=fresh, headers=trickle | {"If-Match": "*"})
        assert (restarted.status, restarted.headers["ETag"] != tag) == (200, True)
        assert (await http.patch(session, data=fresh, headers=trickle | {"If-Match": tag})).status == 412
        assert (await http.patch(session, data=fresh, headers=FRAGMENT)).status == 401


async def test_only_operators_listen() -> None:
    """The admin token and the control token of this call open it. The answer is 401 whether there is a call or not."""
    async with call() as (running, _, call_id, http):
        url, body = f"{running.home}/whep", offer(audio("0", "a=recvonly"))
        of = running.admin.control_tokens.of
        for token, status in (("", 401), ("guess", 401), (of("other"), 401), (of(call_id), 201)):
            headers = SDP | {"Authorization": f"Bearer {token}"}
            assert (await http.post(f"{url}/{call_id}", data=body, headers=headers)).status == status
            assert status == 201 or (await http.post(f"{url}/none", data=body, headers=headers)).status == 401
        assert (await http.post(f"{url}/{call_id}", data=body, headers=SDP)).status == 401
        assert await post(running, http, "none") == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (offer(audio("0", "a=recvonly")), "application/json", 415),
        ("hello", "application/sdp", 400),
        (offer(video()), "application/sdp", 406),
        (offer(audio("0", "a=sendonly")), "application/sdp", 406),
        (offer(audio("0", "a=inactive")), "application/sdp", 406),
    ],
)
async def test_what_is_wrong_is_said(body: str, kind: str, status: int) -> None:
    """Each mistake has its status, and a sentence for people. It takes no place."""
    async with call() as (running, _, call_id, http):
        url = f"{running.home}/whep/{call_id}"
        for _ in range(MAX_LISTENERS + 1):
            async with http.post(url, data=body, headers={"Content-Type": kind} | ADMIN) as response:
                assert response.status == status
                assert (await response.json())["error"]["message"]
        assert (await http.get(url, headers=ADMIN)).status == 405
        assert (await http.options(url)).headers["Accept-Post"] == "application/sdp"
