"""Calls of SIP phones: the sound by WebRTC with an aiortc peer, the rest as SIP gives and takes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.call.caller import Caller
from server.call.line.sip_calls import SipCall, SipCalls
from server.call.messages import Transfer
from server.errors import NotFound
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.phone import Microphone

pytestmark = pytest.mark.loopback_time

CALLER = Caller(here=True, transport="sip", number="sip:ann@example.org")


class Phone:
    """A phone: what it was told, and its WebRTC peer."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.transfers: list[tuple[str, str]] = []
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.addTrack(Microphone())

    def ended(self) -> None:
        self.over.set()

    def transfer(self, to: str, note: str) -> None:
        self.transfers.append((to, note))

    async def offers(self, take: Callable[[str], Awaitable[str]]) -> None:
        """Make an offer, and use the answer that `take` gives."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await take(self.pc.localDescription.sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def begin(self, calls: SipCalls) -> SipCall:
        held: list[SipCall] = []

        async def take(sdp: str) -> str:
            answer, call = await calls.answer(sdp, CALLER, True, self)
            held.append(call)
            return answer

        await self.offers(take)
        return held[0]


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@asynccontextmanager
async def called(**settings: Any) -> AsyncIterator[tuple[Exchange, Phone, SipCall, Mind]]:
    """A connected call."""
    mind = Mind()
    async with asyncio.timeout(15), exchange(mind.agent("Hello."), **settings) as running:
        calls, phone = SipCalls(running.calls), Phone()
        try:
            call = await phone.begin(calls)
            await until(lambda: call.leg.session.speaking is not None)  # what comes before it runs is dropped
            yield running, phone, call, mind
        finally:
            await phone.pc.close()
            calls.close()


async def test_words_and_keys_reach_the_agent() -> None:
    async with called() as (running, _, call, mind):
        assert running.options[0].transfers
        assert call.leg.transport == "sip"
        for key in "12#":
            call.press(key)
        await until(lambda: mind.requests == 1)
        call.type("hello")
        await until(lambda: mind.requests == 2)


async def test_the_agent_hangs_up() -> None:
    """The phone is told when the caller has heard the goodbye."""
    async with called() as (running, phone, call, _):
        call.type("bye")
        await phone.over.wait()
        assert not running.directory.live


async def test_the_caller_hangs_up() -> None:
    async with called(resume_s=60.0) as (running, phone, call, _):
        call.hang_up()
        await phone.over.wait()
        assert not running.directory.live


async def test_hold_keeps_the_call() -> None:
    """On hold the session waits; another offer goes on."""
    async with called() as (_, phone, call, _):
        session = call.leg.session
        for direction, held in (("recvonly", False), ("inactive", True), ("sendrecv", False)):
            phone.pc.getTransceivers()[0].direction = direction
            await phone.offers(call.reoffer)
            assert session.hold.on == held, direction
        assert not phone.over.is_set()


async def test_a_phone_comes_back_with_another_peer() -> None:
    """Its connection is lost, the session waits, and a later offer takes it up again."""
    async with called(resume_s=60.0) as (running, phone, call, mind):
        session = call.leg.session
        await phone.pc.close()
        await until(lambda: session.absence.since_s is not None)
        assert not phone.over.is_set()
        phone.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        phone.pc.addTrack(Microphone())
        await phone.offers(call.reoffer)
        await until(lambda: session.absence.since_s is None)
        call.type("hello")
        await until(lambda: mind.requests == 1)
        assert [live.id for live in running.directory.live] == [session.id]


async def test_a_lost_phone_that_does_not_come_back() -> None:
    async with called() as (running, phone, call, _):
        await phone.pc.close()
        await phone.over.wait()
        assert not running.directory.live
        with pytest.raises(NotFound):
            await call.reoffer(phone.pc.localDescription.sdp)


async def test_transfers_are_told_to_the_phone() -> None:
    async with called() as (_, phone, call, _):
        call.leg.send(Transfer(to="sip:bob@example.org", note="urgent"))
        assert phone.transfers == [("sip:bob@example.org", "urgent")]
        call.transferred(False, "x" * 500)


async def test_empty_words_are_refused() -> None:
    async with called() as (_, _, call, _):
        for text in ("", "  ", "a" * 3000):
            with pytest.raises(ValueError, match="text"):
                call.type(text)
