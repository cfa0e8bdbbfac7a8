"""The one file that knows aiortc: a peer connection that gives 20 ms frames and takes 20 ms frames.

What it changes of aiortc 1.16 by private names is guarded by tests/media/test_peer.py:
the receiver's jitter buffer (80 ms, and 280 ms after one lost packet) is replaced by an object that hands each packet
over at once, so that its decoder thread has nothing to do; gathering is kept to the addresses that are configured.
"""

import asyncio
import fractions
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import aioice.ice
import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import SessionDescription, candidate_from_sdp

from server.errors import NotAcceptable, PeerError
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_SAMPLES, SPOKEN_BYTES, Frame
from server.media.g711 import G711Decoder, G711Encoder, law
from server.media.jitter import Arrivals
from server.media.opus import OpusDecoder, OpusEncoder
from server.media.pacer import Pacer

MAX_UNSENT = 64
"""Messages kept for a data channel that is not open yet; the oldest go first."""
MAX_BUFFERED_BYTES = 256 * 1024
"""A data channel whose client takes nothing loses messages, not the server's memory."""
MAX_UNREAD_PACKETS = 5
"""Packets that wait for aiortc's sender: 100 ms, then the oldest go."""
MAX_CANDIDATES = 32
SURELY_THERE_MS = 300
"""Networks hold packets back for about so long without being broken."""

_CODECS = {"audio/opus", "audio/pcmu", "audio/pcma"}
_JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"

log = logging.getLogger(__name__)


class Listener(Protocol):
    """What a peer belongs to. All of it is called on the loop and never waits."""

    def ready(self) -> None: ...
    def hear(self, frame: Frame) -> None: ...
    def next_frame(self) -> bytes | None: ...
    def receive_text(self, text: str | bytes) -> None: ...
    def lost(self) -> None: ...


def bind_media(addresses: Sequence[str], loopback: bool) -> None:
    """Let ICE use these local addresses and no others, in this process.

    None given: all of the machine, and 127.0.0.1 only if `loopback`, for callers on the machine itself.
    """

    def chosen(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found = addresses or [*_all_host_addresses(use_ipv4, use_ipv6), *(["127.0.0.1"] if loopback else [])]
        return [address for address in found if (use_ipv6 if ":" in address else use_ipv4)]

    aioice.ice.get_host_addresses = chosen


_all_host_addresses = aioice.ice.get_host_addresses


class Peer:
    """One WebRTC connection. `answer` sets it up, `close` ends it; in between it calls its listener."""

    def __init__(self, listener: Listener, pacer: Pacer, vanished_s: float) -> None:
        """After `vanished_s` without any sign of the peer it is lost: ICE itself notices after 30 s."""
        self._listener = listener
        self._pacer = pacer
        self._vanished_s = vanished_s
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("datachannel", self._on_channel)
        self._channel: RTCDataChannel | None = None
        self._unsent: list[str] = []
        self._inbound: _Inbound | None = None
        self._track = _OutboundTrack()
        self._encoder: OpusEncoder | G711Encoder | None = None
        self._candidates = 0
        self._joined = False
        self._last_sign_s = self._now_s = asyncio.get_running_loop().time()
        self._closed = False

    async def answer(self, sdp: str) -> str:
        """Take an offer, give the answer with all our candidates. Raises PeerError or NotAcceptable."""
        _check(sdp)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._arrange()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except OperationError as exc:
            raise NotAcceptable("There is no audio codec in common: Opus, PCMU or PCMA is needed.") from exc
        except Exception as exc:  # aiortc fails in every way that Python has on what it does not expect
            raise PeerError("The SDP offer is not valid.") from exc
        return _with_fec(self._pc.localDescription.sdp)

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_mline_index: int | None) -> None:
        """Take a trickled candidate (RFC 8838); an empty one says that there are no more. Raises PeerError."""
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise PeerError(f"A call may have {MAX_CANDIDATES} candidates.")
        try:
            parsed = candidate_from_sdp(candidate.removeprefix("candidate:")) if candidate else None
            if parsed is not None:
                parsed.sdpMid, parsed.sdpMLineIndex = sdp_mid, sdp_mline_index
            await self._pc.addIceCandidate(parsed)
        except (ValueError, AssertionError, IndexError, InvalidAccessError, InvalidStateError) as exc:
            raise PeerError("The ICE candidate is not valid.") from exc

    @property
    def unheard_ms(self) -> float:
        """How long ago the last sign of the peer was: what was sent since then may have been lost."""
        silent_ms = (self._now_s - self._last_sign_s) * 1000
        return silent_ms if silent_ms > SURELY_THERE_MS else 0.0

    def send_text(self, text: str) -> None:
        """Send on the data channel; kept while there is none yet, dropped when the client takes nothing."""
        channel = self._channel
        if channel is None or channel.readyState == "connecting":
            self._unsent = [*self._unsent[-MAX_UNSENT + 1 :], text]
        elif channel.readyState == "open" and channel.bufferedAmount < MAX_BUFFERED_BYTES:
            channel.send(text)

    def hush(self) -> None:
        """Packets that wait for aiortc's sender are not sent."""
        self._track.clear()

    async def close(self) -> None:
        """Give everything back; idempotent."""
        self._closed = True
        self._pacer.leave(self._tick)
        self._track.stop()
        await self._pc.close()

    def _arrange(self) -> None:
        """Our voice on the first audio section, the caller's packets to us, and nothing on any other."""
        audio = next(t for t in self._pc.getTransceivers() if t.kind == "audio")
        for transceiver in self._pc.getTransceivers():
            transceiver.direction = "sendrecv" if transceiver is audio else "inactive"
        audio._codecs = [codec for codec in audio._codecs if codec.mimeType.lower() in _CODECS]
        names = {codec.payloadType: codec.name for codec in audio._codecs if codec.payloadType is not None}
        self._inbound = _Inbound(names, self._hear)
        setattr(audio.receiver, _JITTER_BUFFER, self._inbound)
        audio.sender.replaceTrack(self._track)
        codec = audio._codecs[0]
        self._encoder = OpusEncoder() if codec.name == "opus" else G711Encoder(law(codec.name))

    # aiortc's callbacks

    def _on_state(self) -> None:
        state = self._pc.connectionState
        log.info("= connection is %s", state)
        if state == "connected" and not self._joined:
            self._joined = True
            self._listener.ready()
            self._pacer.join(self._tick)
        elif state in ("failed", "closed") and not self._closed:
            self._listener.lost()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # the first one is the call's
        self._channel = channel
        channel.on("message", self._on_message)
        channel.on("open", self._flush)
        self._flush()  # it may be open already, and then no event follows

    def _on_message(self, text: str | bytes) -> None:
        self._last_sign_s = self._now_s
        self._listener.receive_text(text)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for text in unsent:
            self.send_text(text)

    def _hear(self, frame: Frame) -> None:
        self._last_sign_s = self._now_s
        self._listener.hear(frame)

    def _tick(self, number: int) -> None:
        """20 ms have passed."""
        self._now_s = number * FRAME_MS / 1000
        if self._last_sign_s > self._now_s:
            self._last_sign_s = self._now_s
        pcm = self._listener.next_frame() or bytes(SPOKEN_BYTES)
        assert self._encoder is not None, "because nothing ticks before the answer"
        self._track.put(self._encoder.encode(pcm), number)
        if self._now_s - self._last_sign_s > self._vanished_s:
            log.info("x peer has vanished")
            self._last_sign_s = self._now_s
            self._listener.lost()


class _Inbound:
    """Stands where aiortc has its jitter buffer: packets → frames."""

    def __init__(self, codecs: dict[int, str], on_frame: Callable[[Frame], None]) -> None:
        self._codecs = codecs
        self._on_frame = on_frame
        self._arrivals = Arrivals()
        self._decoders: dict[str, OpusDecoder | G711Decoder] = {}
        self._pcm = b""
        self._samples = 0
        self.malformed = 0

    def add(self, packet: Any) -> tuple[bool, None]:
        """aiortc's side: no picture is wanted, no frame is to be decoded by it."""
        missing = self._arrivals.receive(packet.sequence_number)
        if missing is not None and packet._data:
            try:
                self._decode(self._codecs[packet.payload_type], packet._data, missing)
            except Exception:  # whatever one packet does to a decoder, the next one may be good
                self.malformed += 1
        return False, None

    def _decode(self, codec: str, payload: bytes, missing: int) -> None:
        decoder = self._decoders.get(codec)
        if decoder is None:
            decoder = self._decoders[codec] = OpusDecoder() if codec == "opus" else G711Decoder(law(codec))
        if isinstance(decoder, OpusDecoder):
            for left in range(missing, 0, -1):
                self._push(decoder.recover(payload) if left == 1 else decoder.conceal())
        elif missing:
            self._push(bytes(HEARD_BYTES * missing))
        self._push(decoder.decode(payload))

    def _push(self, pcm: bytes) -> None:
        self._pcm += pcm
        while len(self._pcm) >= HEARD_BYTES:
            frame, self._pcm = Frame(self._pcm[:HEARD_BYTES], self._samples), self._pcm[HEARD_BYTES:]
            self._samples += HEARD_SAMPLES
            self._on_frame(frame)


class _OutboundTrack(MediaStreamTrack):
    """Packets, encoded once, at the pacer's time: aiortc's sender takes them as they are."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue(MAX_UNREAD_PACKETS)

    def put(self, payload: bytes, tick: int) -> None:
        if self._packets.full():
            self._packets.get_nowait()
        packet = av.Packet(payload)
        packet.pts = packet.dts = tick * FRAME_MS
        packet.time_base = fractions.Fraction(1, 1000)
        self._packets.put_nowait(packet)

    def clear(self) -> None:
        while not self._packets.empty():
            self._packets.get_nowait()

    async def recv(self) -> "av.Packet[Any]":
        return await self._packets.get()


def _check(sdp: str) -> None:
    """Raise what is wrong with an offer before anything is allocated for it."""
    try:
        media = SessionDescription.parse(sdp).media
    except Exception as exc:  # aiortc's parser fails in every way that Python has
        raise PeerError("The SDP offer is not valid.") from exc
    if not sdp.startswith("v=0"):
        raise PeerError("The SDP offer is not valid.")
    audio = [section for section in media if section.kind == "audio" and section.port != 0]
    if not audio:
        raise NotAcceptable("The offer has no audio section.")
    if not {c.mimeType.lower() for c in audio[0].rtp.codecs} & _CODECS:
        raise NotAcceptable("There is no audio codec in common: Opus, PCMU or PCMA is needed.")
    if sum(len(section.ice_candidates) for section in media) > MAX_CANDIDATES:
        raise PeerError(f"A call may have {MAX_CANDIDATES} candidates.")


def _with_fec(sdp: str) -> str:
    """The answer, with a request for in-band FEC (RFC 7587, section 6.1), which aiortc leaves out."""
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        if line.startswith("a=rtpmap:") and line.lower().endswith((" opus/48000/2", " opus/48000")):
            lines.append(f"a=fmtp:{line[9:].split()[0]} minptime=10;useinbandfec=1")
    return "\r\n".join(lines) + "\r\n"
