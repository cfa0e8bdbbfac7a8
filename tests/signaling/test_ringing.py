"""POST /api/calls, whole: a phone with a real WebSocket and an aiortc peer is called, answers, and hears the agent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse
from aiohttp.test_utils import TestServer
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

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
from signaling.sip.message import Request, Response, read
from signaling.sip.user_agent import UserAgent
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.phone import LOUD, Microphone
from tests.signaling.sip import phone as written

BEARER = {"Authorization": "Bearer a token of the admin"}
ALICE = "sip:alice@sip.test"


def find(wanted: str) -> str:
    if wanted != "sales":
        raise NotFound("There is no such agent.")
    return wanted


class Phone:
    """A phone at a WebSocket: `written.Phone` writes its messages, and an aiortc peer has its sound."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self.words = written.Phone(written.Server())
        self.words.tag = "p"
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.addTrack(Microphone())
        self.pc.on("track", self._listen)
        self.heard = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    def _listen(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.ensure_future(self._hear(track))

    async def _hear(self, track: MediaStreamTrack) -> None:
        with suppress(Exception):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                if np.sqrt(np.mean(frame.to_ndarray().astype(float) ** 2)) > LOUD:
                    self.heard.set()

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def gets(self, what: str) -> Request | Response:
        """The next message of this method, or with this code."""
        while True:
            message = read(await self._socket.receive_str())
            if isinstance(message, Request) and message.method == what:
                return message
            if isinstance(message, Response) and str(message.code) == what:
                return message

    async def register(self) -> None:
        await self.send(self.words.write("REGISTER", "sip:sip.test", to=ALICE))
        await self.gets("200")

    async def reply(self, request: Request, code: int, body: str = "") -> None:
        headers = {name: request.headers.get(name) for name in ("Via", "From", "To", "Call-ID", "CSeq")}
        headers["To"] += "" if request.to_tag else ";tag=p"
        headers |= {"Contact": f"<{self.words.contact}>", "Content-Type": "application/sdp"}
        lines = [f"SIP/2.0 {code} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body]))

    async def answer(self) -> Request:
        """Take the call. Returns the INVITE."""
        invite = await self.gets("INVITE")
        assert isinstance(invite, Request)
        await self.reply(invite, 180)
        await self.pc.setRemoteDescription(RTCSessionDescription(invite.body.decode(), "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        await self.reply(invite, 200, self.pc.localDescription.sdp)
        await self.gets("ACK")
        self.words.call_id, self.words.to_tag = invite.call_id, invite.from_tag
        return invite

    async def close(self) -> None:
        await self.pc.close()
        if self._listening is not None:
            self._listening.cancel()


class World:
    """A server, an operator and a phone."""

    def __init__(self, running: Exchange, http: ClientSession, home: str, phone: Phone) -> None:
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
            async with http.ws_connect(f"{home}/sip", protocols=["sip"]) as socket:
                phone = Phone(socket)
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
        pc = it.phone.pc
        for direction, held in (("inactive", True), ("sendrecv", False)):
            pc.getTransceivers()[0].direction = direction
            await pc.setLocalDescription(await pc.createOffer())
            sdp, sent = pc.localDescription.sdp, {"Content_Type": "application/sdp"}
            await it.phone.send(it.phone.words.write("INVITE", "sip:antiphon@sip.test", sdp, **sent))
            answer = await it.phone.gets("200")
            await it.phone.send(it.phone.words.write("ACK", "sip:antiphon@sip.test", cseq=str(answer.cseq)))
            await pc.setRemoteDescription(RTCSessionDescription(answer.body.decode(), "answer"))
            assert session.hold.on == held
        await it.phone.send(it.phone.words.write("BYE", "sip:antiphon@sip.test"))
        await it.phone.gets("200")
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


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"to": "tel:+4930"}, 400), ({"to": "sip:alice"}, 400), ({"to": 'sip:a"b@c'}, 400),
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
