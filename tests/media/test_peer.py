"""The peer in calls with aiortc at the other end, over loopback."""

import asyncio
import gc
import os
import threading
import uuid
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpRrPacket, RtcpSrPacket

from server.call.desk.directory import Directory
from server.media.frame import SPOKEN_BYTES, Frame
from server.media.inbound import Codec
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.rtp_session import Negotiated, RtpSession
from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.loopback import SETTINGS
from tests.offers import audio, offer
from tests.phone import Phone, calling
from tests.voices import speak

pytestmark = pytest.mark.loopback_time


@pytest.mark.parametrize("codec", ["opus", "G722", "PCMU", "PCMA"])
async def test_a_spoken_question_is_answered_aloud(codec: str) -> None:
    """With each codec, speech goes in, all of it is heard, and a voice comes back."""
    async with asyncio.timeout(30), exchange(Mind().agent()) as running, calling(running.url, prefer=codec) as phone:
        await phone.until(type="state", state="listening")
        sentence = speak("What time is it?", rate_hz=48_000)
        phone.microphone.say(sentence)
        assert (await phone.until(type="transcription", final=True))["text"] == "what time is it"
        answer = await phone.until(type="response", final=True)
        metrics = await phone.until(type="metrics", reply=answer["reply"])
    assert answer["text"] == "You said what time is it."
    heard_s, said_s = running.stt.fed_bytes / 32_000, len(sentence) / 96_000
    assert said_s - 0.3 <= heard_s <= said_s + 1.0
    assert 1.0 <= sum(phone.loud) * 0.02 <= 3.0
    assert 0 < metrics["transcript_ms"] <= metrics["first_packet_ms"]


async def test_ten_calls_leave_nothing_behind() -> None:
    """After ten calls in a row the process has as many tasks, threads, sockets and files as before."""
    async with asyncio.timeout(60), exchange(Mind().agent("Hello.")) as running:
        async with calling(running.url) as phone:
            await phone.until(type="response", final=True)
        await _until_empty(running.directory)
        before = _held()
        for _ in range(10):
            async with calling(running.url) as phone:
                await phone.until(type="response", final=True)
            await _until_empty(running.directory)
        assert _held() == before


async def test_hanging_up_by_http_ends_the_call() -> None:
    """DELETE ends the call at the server. A second DELETE gets 404."""
    async with (
        asyncio.timeout(20),
        exchange(Mind().agent()) as running,
        calling(running.url) as phone,
        aiohttp.ClientSession() as http,
    ):
        url = f"{running.url}?pc_id={phone.pc_id}"
        assert (await http.delete(url)).status == 200
        await _until_empty(running.directory)
        assert (await http.delete(url)).status == 404


async def test_every_report_has_the_name_that_the_answer_gives() -> None:
    """All our RTCP packets, up to the last one that says goodbye, have the random CNAME of our SDP (RFC 5576)."""
    async with (
        asyncio.timeout(20),
        exchange(Mind().agent()) as running,
        aiohttp.ClientSession() as http,
        calling(running.url) as phone,
    ):
        packets = asyncio.Queue[bytes]()

        async def note(data: bytes) -> None:
            packets.put_nowait(data)

        phone.pc.getTransceivers()[0].receiver.transport._handle_rtcp_data = note
        [said] = {line.split("cname:")[1] for line in phone.pc.remoteDescription.sdp.splitlines() if "cname:" in line}
        await packets.get()
        await http.delete(f"{running.url}?pc_id={phone.pc_id}")
        goodbyes: list[Any] = []
        while not goodbyes:
            report, description, *goodbyes = RtcpPacket.parse(await packets.get())
            assert isinstance(report, RtcpSrPacket | RtcpRrPacket)
            assert [chunk.items for chunk in description.chunks] == [[(1, said.encode())]]
    assert isinstance(goodbyes[0], RtcpByePacket)
    assert uuid.UUID(said).version == 4


async def test_a_call_that_moves_often_keeps_one_peer() -> None:
    """Each new connection replaces the one before, whose peer is freed."""
    async with asyncio.timeout(30), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        before = _peers()
        phone = Phone(running.url, http)
        await phone.dial()
        await phone.opened.wait()
        for _ in range(3):
            moved = Phone(running.url, http)
            await moved.dial(pc_id=phone.pc_id)
            await moved.until(type="session")
            await phone.hang_up()
            phone = moved
        while _peers() > before + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await phone.hang_up()
        await _until_empty(running.directory)


async def test_a_call_that_two_moves_have_missed_is_still_known() -> None:
    """A client can move its call after two moves that fail, of which the second begins before the first has failed."""
    async with (
        asyncio.timeout(20),
        exchange(Mind().agent(), ice_s=0.5) as running,
        calling(running.url) as phone,
        aiohttp.ClientSession() as http,
    ):
        hello = await phone.until(type="session")
        before = _peers()
        for _ in range(2):
            move = {"sdp": offer(audio()), "type": "offer", "pc_id": phone.pc_id}
            assert (await http.post(running.url, json=move)).status == 200
        while _peers() > before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        moved = Phone(running.url, http)
        assert (await moved.dial(pc_id=phone.pc_id))["session_id"] == hello["session_id"]
        await moved.hang_up()


def _peers() -> int:
    """How many peers there are in this process."""
    gc.collect()
    return sum(isinstance(each, Peer) for each in gc.get_objects())


async def test_one_call_too_many_is_refused_at_the_door() -> None:
    """While all places are taken, an offer gets 503 and Retry-After. When a call is over, its place is free again."""
    async with asyncio.timeout(20), exchange(Mind().agent(), limit=1) as running:
        async with calling(running.url), aiohttp.ClientSession() as http:
            async with http.post(running.url, json={"sdp": "v=0", "type": "offer"}) as response:
                body = await response.json()
            assert (response.status, body["error"]["code"]) == (503, "at_capacity")
            assert int(response.headers["Retry-After"]) > 0
        await _until_empty(running.directory)
        async with calling(running.url):
            pass


async def test_a_peer_that_never_connects_gives_its_place_back() -> None:
    """If a client does nothing after its offer, its place is free again after the deadline."""
    async with (
        asyncio.timeout(20),
        exchange(Mind().agent(), limit=1, ice_s=0.3) as running,
        aiohttp.ClientSession() as http,
    ):
        phone = Phone(running.url, http)
        phone.pc.addTransceiver("audio")
        offer = await phone.pc.createOffer()
        lines = [line for line in offer.sdp.splitlines() if not line.startswith("a=candidate")]
        body = {"sdp": "\r\n".join(lines) + "\r\n", "type": "offer"}
        async with http.post(running.url, json=body) as response:
            assert response.status == 200
        assert len(running.directory) == 1
        await _until_empty(running.directory)
        await phone.hang_up()


HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


async def test_a_peer_that_vanishes_is_noticed() -> None:
    """If no packet and no message come for the set time, the call is closed and all is freed."""
    async with asyncio.timeout(20), exchange(Mind().agent(), vanished_s=0.5) as running, calling(running.url) as phone:
        await phone.until(type="state", state="listening")
        assert len(running.directory) == 1
        phone.vanish()
        await _until_empty(running.directory)


@pytest.mark.parametrize(
    ("sdp", "status"),
    [
        ("", 400),
        ("hello", 400),
        (HEAD, 406),
        (HEAD + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n", 406),
        (HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 18\r\na=mid:0\r\n", 406),
        (
            HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtpmap:0 PCMU/8000\r\n",
            400,
        ),
        ("v=0\r\nm=audio nine UDP/TLS/RTP/SAVPF 0\r\n", 400),
    ],
)
async def test_a_bad_offer_is_refused_and_holds_no_place(sdp: str, status: int) -> None:
    """An offer that cannot be answered gets a status, a code and a sentence."""
    async with exchange(Mind().agent(), limit=1) as running, aiohttp.ClientSession() as http:
        response = await http.post(running.url, json={"sdp": sdp, "type": "offer"})
        body = await response.json()
        assert response.status == status, body
        assert body["error"]["code"]
        assert body["error"]["message"]
        assert len(running.directory) == 0


async def test_video_is_refused_and_audio_answered() -> None:
    """A video section of the offer is answered as inactive."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        phone.pc.addTransceiver("video")
        answer = await phone.dial()
        sections = {part.split(" ", 1)[0]: part for part in answer["sdp"].split("m=")[1:]}
        await phone.opened.wait()
        await phone.hang_up()
    assert "a=inactive" in sections["video"]
    assert "a=sendrecv" in sections["audio"]
    assert "useinbandfec=1" in sections["audio"]


async def test_nonsense_on_the_data_channel_gets_an_error() -> None:
    """A text on the data channel that is not a message gets an error, and the call goes on."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, calling(running.url) as phone:
        phone.channel.send("nonsense")
        assert (await phone.until(type="error"))["code"] == "bad_request"
        phone.send(type="ping", t=4.5)
        assert (await phone.until(type="pong"))["t"] == 4.5


async def test_only_the_configured_addresses_are_advertised() -> None:
    """The answer has candidates on the media addresses, and on no other addresses."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        answer = await phone.dial()
        await phone.hang_up()
    addresses = {line.split()[4] for line in answer["sdp"].splitlines() if line.startswith("a=candidate")}
    assert addresses == {"127.0.0.1"}


async def _until_empty(directory: Directory) -> None:
    while len(directory):  # noqa: ASYNC110  # real sockets are closing
        await asyncio.sleep(0.01)


def _held() -> tuple[int, int, int]:
    """How many tasks, threads, and open files and sockets this process has.

    Threads of the loop's own pool are not counted. They look names up, and belong to no call.
    """
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(threads), len(os.listdir("/proc/self/fd"))


def test_loud_is_loud() -> None:
    """The phone's measure of loudness can tell a voice from silence."""
    assert np.sqrt(np.mean(np.frombuffer(speak("Hello there"), np.int16).astype(np.float32) ** 2)) > 300


async def test_an_answer_need_not_wait_for_the_next_tick() -> None:
    """When an answer is ready, its first packet is sent at once. The other packets leave at their ticks."""
    sent, listener = SentPackets(), Ready()
    peer = Peer(listener, Pacer(), SETTINGS)
    peer._rtp = RtpSession(Negotiated({111: Codec("opus", 48_000)}, 9, "me"), listener, sent, peer.counters)
    for tick in range(5):
        peer._rtp.speak(None, tick, tick * 0.02)
    before = len(sent.packets)
    for _ in range(3):
        peer.hurry()
        await asyncio.sleep(0)
        assert len(sent.packets) - before == 1
    await peer.close()
    peer.hurry()
    await asyncio.sleep(0)
    assert len(sent.packets) - before == 1


class SentPackets:
    """A PacketSender that keeps the RTP packets."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def send_rtp(self, packet: bytes) -> None:
        self.packets.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        pass


class Ready:
    """A call whose agent always has something to say."""

    def hold(self, on: bool) -> None:
        pass

    def frame_ahead(self) -> bytes | None:
        return bytes(SPOKEN_BYTES)

    def next_frame(self) -> bytes | None:
        return bytes(SPOKEN_BYTES)

    def ready(self) -> None:
        pass

    def hear(self, frame: Frame) -> None:
        pass

    def digit(self, digit: str) -> None:
        pass

    def receive_text(self, text: str | bytes) -> None:
        pass

    def lost(self, why: str = "", closed: bool = False) -> None:
        pass
