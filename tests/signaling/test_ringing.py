"""POST /api/calls, whole: a phone with a real WebSocket and an aiortc peer is called, answers, and hears the agent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from server.call.line.sip_calls import SipCalls
from server.errors import NotFound
from server.web import application
from signaling import calls as live_calls
from signaling import ringing
from signaling.access import Access
from signaling.admin import Admin
from signaling.origins import Origins
from signaling.sip import socket as sip_socket
from signaling.sip.digest import Accounts
from signaling.sip.gate import Gate
from signaling.sip.message import Request
from signaling.sip.user_agent import UserAgent
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.sip_phone import ALICE, SipPhone

BEARER = {"Authorization": "Bearer a token of the admin"}


def find(wanted: str) -> str:
    if wanted != "sales":
        raise NotFound("There is no such agent.")
    return wanted


class World:
    """A server, an operator and a phone."""

    def __init__(self, running: Exchange, http: ClientSession, home: str, phone: SipPhone) -> None:
        self.running, self.http, self.home, self.phone = running, http, home, phone

    async def ring(self, **body: Any) -> tuple[int, str]:
        """The status, and the id or the code of the error."""
        async with self.http.post(f"{self.home}/api/calls", json={"to": ALICE, **body}, headers=BEARER) as response:
            found = await response.json()
            return response.status, found["id"] if response.status == 200 else found["error"]["code"]

    async def over(self) -> None:
        while len(self.running.directory):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def world(**settings: Any) -> AsyncIterator[World]:
    access, admin = Access(), Admin("a token of the admin")
    async with asyncio.timeout(20), exchange(Mind().agent("Hello."), **settings) as running:
        app, gate, calls = application(Origins(local=True)), Gate(Accounts(), access), SipCalls(running.calls)
        agent = UserAgent(gate, calls.answer, calls.offer)
        sip_socket.add_routes(app, agent, gate, access)
        live_calls.add_routes(app, running.directory, admin)
        ringing.add_routes(app, agent.ring, find, admin)
        async with TestServer(app, host="127.0.0.1") as server, ClientSession() as http:
            home = str(server.make_url("")).rstrip("/")
            phone = SipPhone(home, http)
            await phone.connect()
            try:
                yield World(running, http, home, phone)
            finally:
                await phone.close()
                agent.close()
                calls.close()


async def test_the_agent_speaks_first_and_hangs_up() -> None:
    async with world() as it:
        await it.phone.register()
        ringing = asyncio.ensure_future(it.ring(agent="sales", context={"order": 4271}))
        invite = await it.phone.answer()
        status, session_id = await ringing
        assert status == 200
        await it.phone.heard.wait()
        (live,) = it.running.directory.live
        assert (live.id, live.transport) == (session_id, "sip")
        caller = it.running.directory._places.get(session_id).caller  # type: ignore[union-attr]
        assert (caller.number, caller.dialled, caller.agent, caller.context) == (ALICE, "", "sales", {"order": 4271})
        async with it.http.post(f"{it.home}/api/calls/{session_id}/hangup", json={}, headers=BEARER) as response:
            assert response.status == 200
        bye = await it.phone.gets("BYE")
        assert isinstance(bye, Request)
        assert (bye.call_id, bye.cseq) == (invite.call_id, invite.cseq + 1)
        await it.over()


async def test_the_phone_holds_and_hangs_up() -> None:
    """It offers again on the connection that our offer has made, and we answer."""
    async with world(resume_s=60.0) as it:
        await it.phone.register()
        ringing = asyncio.ensure_future(it.ring())
        await it.phone.answer()
        _, session_id = await ringing
        session = it.running.directory._places.get(session_id)
        assert session is not None
        for direction, held in (("inactive", True), ("sendrecv", False)):
            it.phone.pc.getTransceivers()[0].direction = direction
            assert (await it.phone.offer()).code == 200
            assert session.hold.on == held
        await it.phone.hang_up()
        await it.over()


async def test_calls_that_are_not_taken() -> None:
    """Each says why, and gives its place back."""
    async with world(limit=1) as it:
        assert await it.ring() == (404, "not_registered")
        await it.phone.register()
        for code, why in ((486, "busy"), (603, "declined")):
            ringing = asyncio.ensure_future(it.ring())
            invite = await it.phone.gets("INVITE")
            assert isinstance(invite, Request)
            await it.phone.reply(invite, code)
            assert await ringing == (409, why)
            await it.phone.gets("ACK")
        ringing = asyncio.ensure_future(it.ring(timeout_s=1))
        invite = await it.phone.gets("INVITE")
        assert isinstance(invite, Request)
        assert (await it.ring())[0] == 503
        await it.phone.reply(invite, 180)
        await it.phone.gets("CANCEL")
        assert await ringing == (409, "no_answer")
        ringing = asyncio.ensure_future(it.ring())
        invite = await it.phone.gets("INVITE")
        assert isinstance(invite, Request)
        await it.phone.reply(invite, 180)
        ringing.cancel()  # who has asked for the call leaves
        await it.phone.gets("CANCEL")
        await it.over()


@pytest.mark.parametrize("to", ["sip:j%C3%B6rg@pbx1", "SIP:alice@voice_agent:5060", "sips:alice@[::1]:8443"])
def test_addresses_that_a_phone_may_have(to: str) -> None:
    assert ringing.Wanted(to=to).to == to


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"to": "tel:+4930"}, 400), ({"to": "sip:alice"}, 400), ({"to": "sip:%zz@c"}, 400), ({"to": 'sip:a"b@c'}, 400),
        ({"to": "sip:a\r\nb@c"}, 400), ({"timeout_s": 0}, 400), ({"timeout_s": 1000}, 400), ({"more": 1}, 400),
        ({"context": {"a": "b" * 4000}}, 400), ({"context": "text"}, 400), ({"agent": "nobody"}, 404),
    ],
)  # fmt: skip
async def test_requests_that_are_not_valid(body: dict[str, Any], status: int) -> None:
    async with world() as it:
        await it.phone.register()
        assert (await it.ring(**body))[0] == status
        async with it.http.post(f"{it.home}/api/calls", json={"to": ALICE}) as response:
            assert response.status == 401
