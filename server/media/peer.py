"""A WebRTC peer connection: it gives the caller's sound and takes the agent's sound, in frames of 20 ms.

aiortc does SDP, ICE, DTLS and SCTP. Its RTP is not used: its senders and receivers are never started, so
none of their threads, tasks and queues delays a packet. `RtpSession` does RTP instead.

Only this file, `transport.py`, `channel.py` and `ice.py` know aiortc and its parts. tests/media/test_aiortc.py checks
that the private names of aiortc 1.16 that are used here still exist.
"""

import asyncio
import logging
from typing import Any, Protocol

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.sdp import SessionDescription

from server.errors import AntiphonError, NotAcceptable, PeerError
from server.media import fmtp
from server.media.channel import Channel
from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS, Frame
from server.media.ice import Ice
from server.media.inbound import TELEPHONE_EVENT, Codec
from server.media.offer import NO_CODEC, NOT_VALID, Offer
from server.media.pacer import Pacer
from server.media.presence import Absence, Presence
from server.media.reach import PeerSettings
from server.media.rtp_session import Negotiated, RtpSession
from server.media.transport import MediaTransport

SURELY_THERE_MS = 300
"""How long nothing may come from the client until its connection counts as doubtful. A network that works may hold
packets back for about this long."""

_CODECS = {"audio/opus", "audio/pcmu", "audio/pcma"}
_EVENT = f"audio/{TELEPHONE_EVENT}"
_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

log = logging.getLogger(__name__)


class PeerListener(Protocol):
    """The call that a peer belongs to. All methods are called on the loop, and must not wait."""

    def ready(self) -> None: ...  # the connection is set up
    def hear(self, frame: Frame) -> None: ...  # the caller's next 20 ms
    def digit(self, digit: str) -> None: ...  # the caller has pressed a key
    def next_frame(self) -> bytes | None: ...  # at each tick: give the agent's next 20 ms, or None for silence
    def frame_ahead(self) -> bytes | None: ...  # between ticks: give the first 20 ms of a reply that is ready
    def receive_text(self, text: str | bytes) -> None: ...  # a message has come on the data channel
    def lost(self) -> None: ...  # the connection could not be set up, or is gone


class Peer:
    """One WebRTC connection. `answer` sets it up and `close` ends it. In between it calls its listener."""

    def __init__(self, listener: PeerListener, pacer: Pacer, settings: PeerSettings) -> None:
        self._listener = listener
        self._pacer = pacer
        self._settings = settings
        servers = [RTCIceServer(s.url, s.username, s.credential) for s in settings.reach.gather_servers()]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("iceconnectionstatechange", self._on_ice_state)
        self._offer: Offer | None = None
        self._ice: Ice | None = None
        self._rtp: RtpSession | None = None
        self.counters = MediaCounters()
        self._channel = Channel(self, self.counters)
        self._pc.on("datachannel", self._channel.open)
        self._joined = False
        self._deadline: asyncio.TimerHandle | None = None
        self._presence: Presence | None = None
        self._now_s = 0.0
        self._closed = False

    async def answer(self, offer: Offer) -> str:
        """Take an offer. Returns the answer, with all our candidates. Raises PeerError, NotAcceptable or AtCapacity."""
        self._offer = offer
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            transport = self._arrange(_offered_codecs(offer.sdp))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except AntiphonError:
            raise
        except OperationError as exc:
            raise NotAcceptable(NO_CODEC) from exc
        except Exception as exc:  # aiortc raises exceptions of any type for an offer that it does not expect
            raise PeerError(NOT_VALID) from exc
        transport.guard()
        assert self._ice is not None, "because `_arrange` has made it"
        self._await("ICE", self._settings.ice_s)
        for candidate in offer.contacts:
            await self._ice.add(candidate)
        return offer.completed(fmtp.written(self._pc.localDescription.sdp))

    async def add_candidate(self, candidate: str, sdp_mid: str | None) -> None:
        """Take a candidate that comes after the offer (trickle ICE, RFC 8838). Raises PeerError.

        An empty `candidate` says that no more come; nothing depends on it. `sdp_mid` names the candidate's section.
        """
        if self._offer is None or self._ice is None or not candidate:
            return
        if sdp_mid is not None and sdp_mid != self._offer.mid:
            self._offer.candidates.leave_out("section")
        elif contact := self._offer.candidates.take(candidate):
            await self._ice.add(contact)

    @property
    def unheard_ms(self) -> float:
        """How long nothing has come from the client. What was sent since then may be lost. 0 if it is not long."""
        silent_ms = 0.0 if self._presence is None else self._presence.silent_ms(self._now_s)
        return silent_ms if silent_ms > SURELY_THERE_MS else 0.0

    def send_text(self, text: str) -> None:
        """Send a message on the data channel, or keep it until there is one (`Channel.send`)."""
        self._channel.send(text)

    def hush(self) -> None:
        """Do nothing: no sound ever waits here that could be dropped, because each frame is sent at once."""

    def hurry(self) -> None:
        """Send the first packet of a reply now, or at the next tick if a packet was already sent in this one."""
        asyncio.get_running_loop().call_soon(self._begin)  # so that the step that made the reply ready can finish

    async def close(self) -> None:
        """End the connection and free all that it holds. Idempotent."""
        self._pacer.leave(self._tick)
        self._reached()
        if self._ice is not None:
            self._ice.close()
        if self._rtp is not None and not self._closed:
            self._rtp.close()
        self._closed = True
        await asyncio.shield(self._pc.close())  # if we are cancelled, aiortc must still finish closing

    def _arrange(self, offered: list[Any]) -> MediaTransport:
        """Take the audio section over from aiortc: both directions of sound go through our own transport.

        `offered` are the codecs of the offer.
        """
        (audio,) = self._pc.getTransceivers()
        audio.direction = "sendrecv"
        events = [codec for codec in offered if codec.mimeType.lower() == _EVENT]
        audio._codecs = [codec for codec in audio._codecs if codec.mimeType.lower() in _CODECS] + events
        for stream, start in ((audio.sender, "send"), (audio.receiver, "receive")):
            setattr(stream, start, _not_by_aiortc)
        dtls = audio.receiver.transport
        self._ice = Ice(dtls.transport._connection, self._settings.reach, self._on_sign)
        transport = MediaTransport(dtls, self, self.counters)
        if self._pc.sctp is not None:
            self._channel.guard(self._pc.sctp)
        self._rtp = RtpSession(_negotiated(self._pc, audio, offered), self, transport, self.counters)
        return transport

    # Called by MediaTransport (receive_*) and by RtpSession (hear, digit)

    def receive_rtp(self, data: bytes, now_s: float) -> None:
        if self._presence is not None:
            self._presence.sound(self._now_s)
        assert self._rtp is not None, "because no packet comes before the answer"
        self._rtp.receive_rtp(data, now_s)

    def receive_rtcp(self, data: bytes, now_s: float) -> None:
        assert self._rtp is not None, "because no packet comes before the answer"
        self._rtp.receive_rtcp(data, now_s)

    def hear(self, frame: Frame) -> None:
        self._listener.hear(frame)

    def digit(self, digit: str) -> None:
        self._listener.digit(digit)

    # Called by Channel

    def receive_text(self, text: str | bytes) -> None:
        self._on_sign()
        self._listener.receive_text(text)

    def abused(self, reason: str) -> None:
        self._lose(f"the client abuses its data channel: {reason}")

    # Called by aiortc

    def _on_state(self) -> None:
        state = self._pc.connectionState
        log.info("= connection is %s", state)
        if state == "connected" and not self._joined:
            self._joined = True
            self._reached()
            self._listener.ready()
            self._pacer.join(self._tick)
        elif state in ("failed", "closed") and not self._closed:
            self._listener.lost()

    def _on_ice_state(self) -> None:
        if self._pc.iceConnectionState == "completed" and not self._joined:
            self._await("DTLS", self._settings.dtls_s)

    def _on_sign(self) -> None:
        if self._presence is not None:
            self._presence.sign(self._now_s)

    def _tick(self, number: int) -> None:
        """Called by the pacer every 20 ms."""
        now_s = asyncio.get_running_loop().time()
        assert self._rtp is not None, "because the pacer is joined after the answer"
        self._rtp.hear(now_s)
        self._rtp.speak(self._listener.next_frame(), number, now_s)
        self._look(number * FRAME_MS / 1000)

    def _begin(self) -> None:
        if self._closed or self._rtp is None or not self._rtp.may_begin:
            return
        if (frame := self._listener.frame_ahead()) is not None:
            self._rtp.begin(frame)

    # Watching whether the client is still there

    def _await(self, stage: str, limit_s: float) -> None:
        """Give the connection up if this stage of the set-up is not reached in time."""
        self._reached()
        if not self._closed:
            self._deadline = asyncio.get_running_loop().call_later(limit_s, self._lose, f"no {stage} in time")

    def _reached(self) -> None:
        """Stop the deadline, because the stage was reached."""
        if self._deadline is not None:
            self._deadline.cancel()

    def _look(self, now_s: float) -> None:
        """Check whether the client is still there."""
        self._now_s = now_s
        if self._presence is None:
            first_packet_s = self._settings.first_packet_s if self._offer and self._offer.sends else None
            self._presence = Presence(now_s, first_packet_s, self._settings.vanished_s)
        absence = self._presence.look(now_s)
        if absence is Absence.ASK and self._ice is not None:
            self._ice.ask()
        elif absence in (Absence.NO_SOUND, Absence.VANISHED):
            self._lose(absence.value)
        elif self._rtp is not None and (fault := self._rtp.look()) is not None:
            self._lose(fault.value)

    def _lose(self, reason: str) -> None:
        left_out = dict(self._offer.candidates.left_out) if self._offer else {}
        log.info("x peer is lost: %s; candidates that were not contacted: %s", reason, left_out)
        self._presence = None
        self._listener.lost()


async def _not_by_aiortc(parameters: Any) -> None:
    """Replaces the methods that would start aiortc's own RTP. It does nothing."""


def _negotiated(pc: Any, audio: Any, offered: list[Any]) -> Negotiated:
    """What the offer and our answer agree on. `audio` is the transceiver of `pc`, after it has read the offer."""
    codecs = {codec.payloadType: Codec(codec.name.lower(), codec.clockRate) for codec in audio._codecs}
    level_id = next((found.id for found in audio._headerExtensions if found.uri == _AUDIO_LEVEL), None)
    copies = any(fmtp.uses_copies(codec.parameters) for codec in offered if codec.mimeType.lower() == "audio/opus")
    ssrc = audio.sender._ssrc
    return Negotiated(codecs, ssrc, pc._RTCPeerConnection__cname, level_id, copies, ticks_apart=ssrc % 50)


def _offered_codecs(sdp: str) -> list[Any]:
    """The codecs that the first audio section offers, as aiortc represents them."""
    return next(section.rtp.codecs for section in SessionDescription.parse(sdp).media if section.kind == "audio")
