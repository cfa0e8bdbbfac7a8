"""Two ways to answer the same caller: this project's peer and plain aiortc; and the caller itself."""

import asyncio
import fractions
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, Frame
from server.media.pacer import Pacer
from server.media.peer import Peer
from tests.loopback import SETTINGS, answered
from tests.voices import speak

FRAME_S = 0.02
RTP_FRAME = 960
Heard = Callable[[int], None]
"""Is told of each 20 ms that the application gets: which one it is, counted from the first packet listened to."""


def speech_packets(text: str, fec: bool = True) -> list[bytes]:
    """Opus as a browser sends it on a bad line: each packet has a copy of the one before."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = HEARD_RATE, "mono", "s16", 32_000
    encoder.options = {"application": "voip", "fec": "1" if fec else "0", "packet_loss": "20"}
    pcm, packets = speak(text, rate_hz=HEARD_RATE), []
    for start in range(0, len(pcm) - HEARD_BYTES, HEARD_BYTES):
        samples = np.frombuffer(pcm[start : start + HEARD_BYTES], np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = HEARD_RATE, start // 2
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


class Speaker(MediaStreamTrack):
    """Says the packets over and over, one every 20 ms, and knows when it said which."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self.sent_s: list[float] = []
        self._packets = packets

    async def recv(self) -> "av.Packet[Any]":
        number, loop = len(self.sent_s), asyncio.get_running_loop()
        if number:
            await asyncio.sleep(max(0.0, self.sent_s[0] + number * FRAME_S - loop.time()))
        packet = av.Packet(self._packets[number % len(self._packets)])
        packet.pts, packet.time_base = number * RTP_FRAME, fractions.Fraction(1, 48_000)
        self.sent_s.append(loop.time())
        return packet


class Answerer(Protocol):
    """The side that is measured."""

    pc: RTCPeerConnection

    async def answer(self, sdp: str) -> str: ...
    def used(self, arrived: int) -> int: ...
    async def close(self) -> None: ...


class Ours:
    """Counts a frame when the session would hear it."""

    def __init__(self, heard: Heard, listens: Callable[[], None]) -> None:
        self._heard, self._listens = heard, listens
        self.peer = Peer(self, Pacer(), replace(SETTINGS, vanished_s=60))
        self.pc = self.peer._pc

    async def answer(self, sdp: str) -> str:
        return await answered(self.peer, sdp)

    def used(self, arrived: int) -> int:
        """Of the packets that arrived."""
        counters = self.peer.counters
        return counters.received - counters.late - counters.duplicate - counters.malformed - counters.too_fast

    async def close(self) -> None:
        await self.peer.close()

    def hear(self, frame: Frame) -> None:
        self._listens()
        self._heard(frame.start_samples // HEARD_SAMPLES)

    def ready(self) -> None:
        pass

    def digit(self, digit: str) -> None:
        pass

    def next_frame(self) -> bytes | None:
        return None

    def receive_text(self, text: str | bytes) -> None:
        pass

    def lost(self) -> None:
        pass


class Plain:
    """aiortc as its examples use it: the track is read in a loop. Counts a frame when the loop gets it."""

    def __init__(self, heard: Heard, listens: Callable[[], None]) -> None:
        self._heard, self._listens = heard, listens
        self._frames = 0
        self._reading: asyncio.Task[None] | None = None
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.on("track", self._on_track)

    async def answer(self, sdp: str) -> str:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return str(self.pc.localDescription.sdp)

    def used(self, arrived: int) -> int:
        return self._frames

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self.pc.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        receiver = next(found for found in self.pc.getReceivers() if found.track is track)
        handle = receiver._handle_rtp_packet

        async def handled(packet: Any, arrival_time_ms: int) -> None:
            self._listens()
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = handled
        self._reading = asyncio.get_running_loop().create_task(self._read(track), name="plain-track")

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            self._frames += 1
            self._heard(frame.pts // RTP_FRAME)


KINDS: dict[str, Callable[[Heard, Callable[[], None]], Answerer]] = {"Antiphon": Ours, "aiortc": Plain}


def sockets(answerer: Answerer) -> list[Any]:
    """What asyncio hands the answerer's datagrams to."""
    ice = answerer.pc.getTransceivers()[0].receiver.transport.transport._connection
    return list(ice._protocols)


def caller(track: MediaStreamTrack | None = None) -> RTCPeerConnection:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("events")
    pc.addTransceiver(track or "audio", "sendrecv")
    return pc


async def offer(pc: RTCPeerConnection) -> str:
    await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def accept(pc: RTCPeerConnection, answer: str) -> None:
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
