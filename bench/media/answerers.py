"""Two ways to answer the same caller, Antiphon's peer and plain aiortc, and the caller itself."""

import asyncio
import fractions
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.common.opus import opus_encoder, opus_packets
from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, Frame
from server.media.pacer import Pacer
from server.media.peer import Peer
from tests.loopback import SETTINGS, answered
from tests.voices import speak

FRAME_S = 0.02
RTP_FRAME = 960
"""Steps of the RTP clock in 20 ms."""
OnFrame = Callable[[int], None]
"""Called for each frame of 20 ms that the application gets, with the frame's number. The first frame is number 0."""
OnFirstPacket = Callable[[], None]
"""Called when a packet can be decrypted. Packets before that are lost, because there are no keys yet."""


def speech_packets(text: str) -> list[bytes]:
    """Opus as a browser sends it on a bad line: each packet also holds a copy of the one before (RFC 6716, 2.1.7)."""
    encoder = opus_encoder(HEARD_RATE, application="voip", fec="1", packet_loss="20")
    pcm = speak(text, rate_hz=HEARD_RATE)
    whole = (len(pcm) - 1) // HEARD_BYTES * HEARD_BYTES
    return [bytes(packet) for packet in opus_packets(encoder, np.frombuffer(pcm[:whole], np.int16))]


class Speaker(MediaStreamTrack):
    """Sends the packets over and over, one every 20 ms, and keeps in `sent_s` when it sent each."""

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
    """The side of the call that is measured."""

    @property
    def dtls(self) -> Any:
        """aiortc's RTCDtlsTransport."""

    async def answer(self, sdp: str) -> str: ...
    def used(self, arrived: int) -> int:
        """How many of the packets that arrived made a sound."""

    async def close(self) -> None: ...


class AntiphonAnswerer:
    """Answers by Antiphon's peer. Counts a frame when the session would hear it.

    `next_frame` gives what the agent says: 20 ms of PCM, or None in silence.
    """

    def __init__(
        self,
        heard: OnFrame,
        listens: OnFirstPacket,
        pacer: Pacer | None = None,
        next_frame: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._heard, self._listens = heard, listens
        self.next_frame = next_frame
        self.peer = Peer(self, pacer or Pacer(), replace(SETTINGS, vanished_s=60))

    @property
    def dtls(self) -> Any:
        return self.peer._bundle.dtls

    async def answer(self, sdp: str) -> str:
        return await answered(self.peer, sdp)

    def used(self, arrived: int) -> int:
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

    def frame_ahead(self) -> bytes | None:
        return None

    def receive_text(self, text: str | bytes) -> None:
        pass

    def hold(self, on: bool) -> None:
        pass

    def lost(self, why: str = "", closed: bool = False) -> None:
        pass


class AiortcAnswerer:
    """Answers by aiortc as its examples do: a loop reads the track. Counts a frame when the loop gets it."""

    def __init__(self, heard: OnFrame, listens: OnFirstPacket) -> None:
        self._heard, self._listens = heard, listens
        self._frames = 0
        self._reading: asyncio.Task[None] | None = None
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.on("track", self._on_track)

    @property
    def dtls(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport

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

        receiver._handle_rtp_packet = handled  # type: ignore[method-assign]
        self._reading = asyncio.get_running_loop().create_task(self._read(track), name="plain-track")

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            self._frames += 1
            assert frame.pts is not None
            self._heard(frame.pts // RTP_FRAME)


KINDS: dict[str, Callable[[OnFrame, OnFirstPacket], Answerer]] = {
    "Antiphon": AntiphonAnswerer,
    "aiortc": AiortcAnswerer,
}


def sockets(answerer: Answerer) -> list[Any]:
    """The protocol objects to which asyncio hands the answerer's datagrams."""
    return list(answerer.dtls.transport._connection._protocols)


def caller(track: MediaStreamTrack) -> RTCPeerConnection:
    """A caller that sends the track."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("events")
    pc.addTransceiver(track, "sendrecv")
    return pc


async def offer(pc: RTCPeerConnection) -> str:
    """The caller's SDP offer."""
    await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def accept(pc: RTCPeerConnection, answer: str) -> None:
    """Give the caller the SDP answer, so that it connects."""
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
