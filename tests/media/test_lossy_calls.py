"""Calls over a network that loses what the agent says, with the real peer."""

import asyncio
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from server.media.frame import SPOKEN_BYTES, SPOKEN_RATE
from server.media.inbound import Codec
from server.media.opus import has_copy
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.rtp import build, parse
from server.media.rtp_session import Negotiated, RtpSession
from tests.loopback import SETTINGS, answered, keep_to_loopback
from tests.media.link import Impairment, Link, LossySender
from tests.media.test_transport import Listening
from tests.phone import Microphone
from tests.voices import speak

pytestmark = pytest.mark.loopback_time

SPEECH = speak("Good morning, what are your opening hours please?", rate_hz=SPOKEN_RATE)
FRAMES = [SPEECH[i : i + SPOKEN_BYTES] for i in range(0, len(SPEECH) - SPOKEN_BYTES, SPOKEN_BYTES)]
OURS, THEIRS = 9, 5


class Talking(Listening):
    """A call whose agent talks without an end."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = cycle(FRAMES)

    def next_frame(self) -> bytes | None:
        return next(self._frames)


@pytest.mark.parametrize("asks", [True, False])
async def test_a_caller_who_loses_packets_gets_copies_if_it_can_use_them(asks: bool) -> None:
    """aiortc reports that it loses a fifth. If its offer has useinbandfec=1, copies of lost sound come from then on."""
    keep_to_loopback()
    peer, caller = Peer(Talking(), Pacer(), SETTINGS), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    packets = asyncio.Queue[bytes]()
    try:
        async with asyncio.timeout(20):
            dtls: Any = caller.addTransceiver(Microphone(), "sendrecv").receiver.transport
            handle = dtls._handle_rtp_data

            async def note(data: bytes, arrival_time_ms: int) -> None:
                packets.put_nowait(parse(data).payload)
                await handle(data, arrival_time_ms)

            dtls._handle_rtp_data = note
            await caller.setLocalDescription(await caller.createOffer())
            sdp = caller.localDescription.sdp
            if asks:
                sdp = sdp.replace(
                    "a=rtpmap:96 opus/48000/2\r\n", "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"
                )
            answer = await answered(peer, sdp)
            session: Any = peer._rtp
            session._sender = LossySender(session._sender, Link(Impairment(loss=0.2)))
            await caller.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            copied = has_copy(await packets.get())
            while not copied and peer.counters.reports < 3:
                copied = has_copy(await packets.get())
            assert peer.counters.lost_percent > 2
            assert copied is asks
    finally:
        await peer.close()
        await caller.close()


@pytest.mark.parametrize(
    ("reports", "arrives", "is_lost"),
    [
        pytest.param(lambda second: second < 5, True, True, id="the reports stop"),
        pytest.param(lambda second: True, False, True, id="nothing arrives"),
        pytest.param(lambda second: True, True, False, id="all is well"),
        pytest.param(lambda second: False, False, False, id="a telephone without RTCP"),
    ],
)
async def test_a_caller_who_gets_nothing_any_more_may_call_again(reports: Any, arrives: bool, is_lost: bool) -> None:
    """When the circuit breaker trips, the connection is lost, although the caller's own sound still comes."""
    listening = Talking()
    peer = Peer(listening, Pacer(), replace(SETTINGS, vanished_s=1))
    peer._rtp = RtpSession(Negotiated({111: Codec("opus", 48_000)}, OURS, "me"), listening, Deaf(), peer.counters)
    for tick in range(30 * 50):
        if listening.is_lost:
            break
        peer.receive_rtp(build(111, tick, tick * 960, THEIRS, b"\xd8"), tick * 0.02)
        if tick % 50 == 0 and reports(tick // 50):
            block = RtcpReceiverInfo(OURS, 0, 0, 40_000 + (tick if arrives else 0), 0, 0, 0)
            peer.receive_rtcp(bytes(RtcpRrPacket(THEIRS, [block])), tick * 0.02)
        peer._tick(tick)
    assert listening.is_lost is is_lost
    await peer.close()


class Deaf:
    """A PacketSender whose packets go nowhere."""

    def send_rtp(self, packet: bytes) -> None:
        pass

    def send_rtcp(self, packet: bytes) -> None:
        pass
