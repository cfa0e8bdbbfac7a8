"""The transport in calls with a real aiortc peer, while strangers send hostile datagrams."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.media.frame import Frame
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.rtp import build
from tests.fuzz.datagrams import hostile
from tests.loopback import SETTINGS, answered, keep_to_loopback
from tests.phone import Microphone

pytestmark = pytest.mark.loopback_time

FRAMES = 25


class Listening:
    """A PeerListener that notes what it gets."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.digits: list[str] = []
        self.texts: list[str | bytes] = []
        self.holds: list[bool] = []
        self.is_lost = self.is_closed = False
        self._heard = asyncio.Event()
        self._wanted = 0

    def ready(self) -> None:
        pass

    def hear(self, frame: Frame) -> None:
        self.frames.append(frame)
        if len(self.frames) >= self._wanted:
            self._heard.set()

    def hold(self, on: bool) -> None:
        self.holds.append(on)

    def digit(self, digit: str) -> None:
        self.digits.append(digit)

    def next_frame(self) -> bytes | None:
        return None

    def receive_text(self, text: str | bytes) -> None:
        self.texts.append(text)

    def lost(self, why: str = "", closed: bool = False) -> None:
        self.is_lost, self.is_closed = True, closed

    async def hears(self, more: int) -> None:
        """Wait until so many more frames have come."""
        self._wanted = len(self.frames) + more
        self._heard.clear()
        await self._heard.wait()


class Call:
    """A call between aiortc as the client and our peer, set up step by step."""

    def __init__(self) -> None:
        keep_to_loopback()
        self.listening = Listening()
        self.peer = Peer(self.listening, Pacer(), replace(SETTINGS, vanished_s=30))
        self.caller = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.caller.addTrack(Microphone())
        self.channel = self.caller.createDataChannel("events")

    async def offer(self) -> str:
        await self.caller.setLocalDescription(await self.caller.createOffer())
        return str(self.caller.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.caller.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def connect(self) -> None:
        await self.accept(await answered(self.peer, await self.offer()))
        await self.listening.hears(FRAMES)

    @property
    def protocols(self) -> list[Any]:
        """aioice's protocols, one for each socket of ours."""
        return list(self.peer._bundle.agent._protocols)

    @property
    def address(self) -> tuple[str, int]:
        """The client's address, as ICE has found it."""
        ice = self.peer._bundle.agent
        return ice._nominated[1].remote_addr  # type: ignore[no-any-return]

    @property
    def ports(self) -> list[int]:
        return [protocol.transport.get_extra_info("sockname")[1] for protocol in self.protocols]

    async def close(self) -> None:
        await self.peer.close()
        await self.caller.close()


@asynccontextmanager
async def calling() -> AsyncIterator[Call]:
    call = Call()
    try:
        async with asyncio.timeout(20):
            yield call
    finally:
        await call.close()


def strangers(ports: list[int], count: int, seed: int) -> None:
    """Send hostile datagrams from a socket that does not belong to the call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in islice(hostile(seed), count):
            for port in ports:
                stranger.sendto(data, ("127.0.0.1", port))


async def test_strangers_change_nothing_before_ice_dtls_and_in_the_call() -> None:
    """Hostile datagrams from another address have no effect in any phase of a call, and the call goes on."""
    async with calling() as call:
        answer = await answered(call.peer, await call.offer())
        strangers(call.ports, 100, seed=1)
        await asyncio.sleep(0)
        accepting = asyncio.ensure_future(call.accept(answer))
        while call.peer._bundle.state != "connected":
            strangers(call.ports, 20, seed=2)
            await asyncio.sleep(0.001)
        await accepting
        await call.listening.hears(FRAMES)
        strangers(call.ports, 100, seed=3)
        await call.listening.hears(FRAMES)
        counters = call.peer.counters
        assert call.peer._bundle.state == "connected"
        assert not call.listening.is_lost
        assert counters.empty > 5
        assert counters.unvalidated > 50
        assert counters.unknown_kind > 5
        assert counters.malformed == counters.unauthentic == counters.lost == 0


async def test_plain_aiortc_does_not_survive_one_empty_datagram() -> None:
    """aiortc alone ends a call at one empty datagram: the reason for our guard. If this fails, aiortc was repaired."""
    keep_to_loopback()
    ends = [RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2)]
    try:
        async with asyncio.timeout(20):
            ends[0].createDataChannel("events")
            await ends[0].setLocalDescription(await ends[0].createOffer())
            await ends[1].setRemoteDescription(ends[0].localDescription)
            await ends[1].setLocalDescription(await ends[1].createAnswer())
            await ends[0].setRemoteDescription(ends[1].localDescription)
            await _until(lambda: ends[1].connectionState == "connected")
            [protocol] = ends[1].sctp.transport.transport._connection._protocols
            protocol.datagram_received(b"", ("127.0.0.1", 9))
            await _until(lambda: ends[1].connectionState == "closed")
    finally:
        for end in ends:
            await end.close()


async def test_a_flood_from_the_peers_own_address_is_capped() -> None:
    """Too much STUN and DTLS is dropped. Forged sound is dropped, too, and the real sound is not affected."""
    async with calling() as call:
        await call.connect()
        [protocol] = call.protocols
        for data in (b"\x80\x6f" + bytes(40), b"\x16\xfe\xfd" + bytes(40)):
            for _ in range(1_000):
                protocol.datagram_received(data, call.address)
        counters = call.peer.counters
        assert counters.unauthentic == 1_000
        assert 700 < counters.over_rate <= 1_000
        before = counters.received
        await _until(lambda: counters.received >= before + FRAMES)
        assert counters.lost == 0


async def test_authentic_sound_is_capped() -> None:
    """A client that has the keys and sends far too much sound is heard only for one burst of datagrams."""
    async with calling() as call:
        await call.connect()
        [protocol] = call.protocols
        srtp = call.caller.getTransceivers()[0].sender.transport._tx_srtp
        for n in range(1_000):
            protocol.datagram_received(srtp.protect(build(96, n, 960 * n, 77, b"\xd8")), call.address)
        assert 400 < call.peer.counters.over_rate < 1_000


async def test_the_shortest_packets_are_all_taken() -> None:
    """A second of Opus in packets of 2.5 ms is within the limit."""
    async with calling() as call:
        await call.connect()
        [protocol] = call.protocols
        srtp = call.caller.getTransceivers()[0].sender.transport._tx_srtp
        for n in range(400):
            protocol.datagram_received(srtp.protect(build(96, n, 120 * n, 77, b"\xc0")), call.address)
        assert call.peer.counters.over_rate == 0


async def test_what_one_datagram_raises_ends_nothing() -> None:
    """If handling a packet raises, it is counted. The call goes on, and its other packets are heard."""
    async with calling() as call:
        hear, raised = call.listening.hear, [False]

        def fail_once(frame: Frame) -> None:
            if not raised[0]:
                raised[0] = True
                raise RuntimeError("a fault")
            hear(frame)

        call.listening.hear = fail_once  # type: ignore[method-assign]
        await call.connect()
        await call.listening.hears(FRAMES)
        assert raised[0]
        assert call.peer.counters.malformed == 1


async def test_messages_pass_the_guard() -> None:
    """The data channel works both ways, while sound is sent."""
    async with calling() as call:
        got: list[str] = []
        call.channel.on("message", got.append)
        await call.connect()
        call.channel.send("hello")
        await _until(lambda: call.listening.texts == ["hello"])
        call.peer.send_text("there")
        await _until(lambda: got == ["there"])


@pytest.mark.wall_time
async def test_the_caller_is_told_how_it_is_heard() -> None:
    """Our reports reach aiortc's sender. It finds the round trip in them, because its own reports have reached us."""
    async with calling() as call:
        await call.connect()
        sender = call.caller.getSenders()[0]

        async def reported() -> list[Any]:
            """The reports of ours that give the round trip."""
            stats = (await sender.getStats()).values()
            return [entry for entry in stats if entry.type == "remote-inbound-rtp" and entry.roundTripTime is not None]

        while not (reports := await reported()):
            await call.listening.hears(5)
        assert 0 <= reports[0].roundTripTime < 1
        assert reports[0].fractionLost == 0


async def test_a_client_that_closes_is_told_from_one_that_is_lost() -> None:
    async with calling() as call:
        await call.connect()
        await call.caller.close()
        await _until(lambda: call.listening.is_lost)
        assert call.listening.is_closed
    async with calling() as call:
        await call.connect()
        await call.peer._bundle.ice.stop()  # as when no packet finds its way any more
        await _until(lambda: call.listening.is_lost)
        assert not call.listening.is_closed


async def test_a_release_that_is_cut_short_breaks_nothing() -> None:
    """If `close` is cancelled while aiortc is closing, aiortc still finishes closing."""
    async with calling() as call:
        await call.connect()
        closing = asyncio.ensure_future(call.peer._bundle.close())
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(call.peer.close())
        await asyncio.sleep(0)
        waiting.cancel()
        await closing
        assert call.peer._bundle.state == "closed"


async def test_telephone_events_are_answered() -> None:
    """Telephone events that a browser offers are answered with the same payload types, for each clock rate."""
    async with calling() as call:
        lines = []
        for line in (await call.offer()).splitlines():
            if line.startswith("m=audio"):
                line += " 110 126"
            lines.append(line)
            if line.startswith("a=rtpmap:96 opus"):
                lines += ["a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-16"]
        answer = (await answered(call.peer, "\r\n".join(lines) + "\r\n")).splitlines()
        assert "a=rtpmap:110 telephone-event/48000" in answer
        assert "a=rtpmap:126 telephone-event/8000" in answer
        assert "a=fmtp:126 0-16" in answer
        audio = next(line for line in answer if line.startswith("m=audio"))
        assert audio.split()[3] == "96"
        assert audio.split()[-2:] == ["110", "126"]


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # real sockets are at work
        await asyncio.sleep(0.005)
