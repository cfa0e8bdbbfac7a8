"""A peer connection that gives 20 ms frames and takes 20 ms frames. With transport.py all that knows aiortc.

aiortc does SDP, ICE, DTLS and the data channel. Its RTP is not used: its senders and receivers are never started, so
that no thread, task or queue of theirs stands between a packet and the call (RtpSession). What this changes of aiortc
1.16 by private names is guarded by tests/media/test_transport.py; gathering is kept to the configured addresses.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

import aioice.ice
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import SessionDescription, candidate_from_sdp

from server.errors import NotAcceptable, PeerError
from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS, Frame
from server.media.inbound import TELEPHONE_EVENT, Codec
from server.media.pacer import Pacer
from server.media.rtcp import Report
from server.media.rtp_session import Negotiated, RtpSession
from server.media.transport import MediaTransport

MAX_UNSENT = 64
"""Messages kept for a data channel that is not open yet; the oldest go first."""
MAX_BUFFERED_BYTES = 256 * 1024
"""A data channel whose client takes nothing loses messages, not the server's memory."""
MAX_CANDIDATES = 32

_CODECS = {"audio/opus", "audio/pcmu", "audio/pcma"}
_EVENT = f"audio/{TELEPHONE_EVENT}"
_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

log = logging.getLogger(__name__)


class Listener(Protocol):
    """What a peer belongs to. All of it is called on the loop and never waits."""

    def ready(self) -> None: ...
    def hear(self, frame: Frame) -> None: ...
    def digit(self, digit: str) -> None: ...
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
        self._rtp: RtpSession | None = None
        self.counters = MediaCounters()
        self._candidates = 0
        self._joined = False
        self._last_sign_s = self._now_s = asyncio.get_running_loop().time()
        self._closed = False

    @property
    def report(self) -> Report | None:
        """What the peer has last said of how it hears us; None before it has."""
        return self._rtp.report if self._rtp is not None else None

    async def answer(self, sdp: str) -> str:
        """Take an offer, give the answer with all our candidates. Raises PeerError or NotAcceptable."""
        _check(sdp)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            transports = self._arrange(_telephone_events(sdp))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
            for transport in transports:
                transport.guard()
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

    def send_text(self, text: str) -> None:
        """Send on the data channel; kept while there is none yet, dropped when the client takes nothing."""
        channel = self._channel
        if channel is None or channel.readyState == "connecting":
            self._unsent = [*self._unsent[-MAX_UNSENT + 1 :], text]
        elif channel.readyState == "open" and channel.bufferedAmount < MAX_BUFFERED_BYTES:
            channel.send(text)

    async def close(self) -> None:
        """Give everything back; idempotent."""
        self._pacer.leave(self._tick)
        if self._rtp is not None and not self._closed:
            self._rtp.close()
        self._closed = True
        await asyncio.shield(self._pc.close())  # aiortc may be closing already, and is not to be cancelled with us

    def _arrange(self, events: list[Any]) -> list[MediaTransport]:
        """Our voice on the first audio section, the caller's packets to us, and nothing on any other."""
        audio = next(t for t in self._pc.getTransceivers() if t.kind == "audio")
        for transceiver in self._pc.getTransceivers():
            transceiver.direction = "sendrecv" if transceiver is audio else "inactive"
        audio._codecs = [codec for codec in audio._codecs if codec.mimeType.lower() in _CODECS] + events
        for stream, start in ((audio.sender, "send"), (audio.receiver, "receive")):
            setattr(stream, start, _not_by_aiortc)
        transports = {dtls: MediaTransport(dtls, self, self.counters) for dtls in self._dtls_transports()}
        wire = transports[audio.receiver.transport]
        self._rtp = RtpSession(_negotiated(audio), self, wire, self.counters)
        return list(transports.values())

    def _dtls_transports(self) -> set[Any]:
        """One when everything is bundled, as browsers do."""
        used = {transceiver.receiver.transport for transceiver in self._pc.getTransceivers()}
        return used | ({self._pc.sctp.transport} if self._pc.sctp is not None else set())

    # The transport's receiver, the session's ear

    def receive_rtp(self, data: bytes, now_s: float) -> None:
        self._last_sign_s = self._now_s
        assert self._rtp is not None, "because nothing comes before the answer"
        self._rtp.receive_rtp(data, now_s)

    def receive_rtcp(self, data: bytes, now_s: float) -> None:
        assert self._rtp is not None, "because nothing comes before the answer"
        self._rtp.receive_rtcp(data, now_s)

    def hear(self, frame: Frame) -> None:
        self._listener.hear(frame)

    def digit(self, digit: str) -> None:
        self._listener.digit(digit)

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

    def _tick(self, number: int) -> None:
        """20 ms have passed."""
        self._now_s = number * FRAME_MS / 1000
        if self._last_sign_s > self._now_s:
            self._last_sign_s = self._now_s
        now_s = asyncio.get_running_loop().time()
        assert self._rtp is not None, "because nothing ticks before the answer"
        self._rtp.hear(now_s)
        self._rtp.speak(self._listener.next_frame(), number, now_s)
        if self._now_s - self._last_sign_s > self._vanished_s:
            log.info("x peer has vanished")
            self._last_sign_s = self._now_s
            self._listener.lost()


async def _not_by_aiortc(parameters: Any) -> None:
    """In place of what would start aiortc's own RTP."""


def _negotiated(audio: Any) -> Negotiated:
    """`audio` is the transceiver, after the offer."""
    codecs = {codec.payloadType: Codec(codec.name.lower(), codec.clockRate) for codec in audio._codecs}
    level_id = next((found.id for found in audio._headerExtensions if found.uri == _AUDIO_LEVEL), None)
    ssrc = audio.sender._ssrc
    return Negotiated(codecs, ssrc, audio.sender._stream_id, level_id, ticks_apart=ssrc % 50)


def _telephone_events(sdp: str) -> list[Any]:
    """The telephone events (RFC 4733) that the first audio section offers."""
    audio = next(section for section in SessionDescription.parse(sdp).media if section.kind == "audio")
    return [codec for codec in audio.rtp.codecs if codec.mimeType.lower() == _EVENT]


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
