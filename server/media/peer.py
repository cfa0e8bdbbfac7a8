"""The one file that knows aiortc: a peer connection that gives 20 ms frames and takes 20 ms frames.

What it changes of aiortc 1.16 by private names is guarded by tests/media/test_peer.py:
the receiver's jitter buffer (80 ms, and 280 ms after one lost packet) is replaced by an object that hands each packet
over at once, so that its decoder thread has nothing to do. What it changes of aioice is in `ice.py`.
"""

import asyncio
import fractions
import logging
from collections.abc import Callable
from typing import Any, Protocol

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError

from server.errors import AntiphonError, NotAcceptable, PeerError
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_SAMPLES, SPOKEN_BYTES, Frame
from server.media.g711 import G711Decoder, G711Encoder, law
from server.media.ice import Ice
from server.media.jitter import Arrivals
from server.media.offer import NO_CODEC, NOT_VALID, Offer
from server.media.opus import OpusDecoder, OpusEncoder
from server.media.pacer import Pacer
from server.media.presence import Absence, Presence
from server.media.reach import PeerSettings

MAX_UNSENT = 64
"""Messages kept for a data channel that is not open yet; the oldest go first."""
MAX_BUFFERED_BYTES = 256 * 1024
"""A data channel whose client takes nothing loses messages, not the server's memory."""
MAX_UNREAD_PACKETS = 5
"""Packets that wait for aiortc's sender: 100 ms, then the oldest go."""
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


class Peer:
    """One WebRTC connection. `answer` sets it up, `close` ends it; in between it calls its listener."""

    def __init__(self, listener: Listener, pacer: Pacer, settings: PeerSettings) -> None:
        self._listener = listener
        self._pacer = pacer
        self._settings = settings
        servers = [RTCIceServer(s.url, s.username, s.credential) for s in settings.reach.ice_servers()]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("iceconnectionstatechange", self._on_ice_state)
        self._pc.on("datachannel", self._on_channel)
        self._offer: Offer | None = None
        self._ice: Ice | None = None
        self._channel: RTCDataChannel | None = None
        self._unsent: list[str] = []
        self._inbound: _Inbound | None = None
        self._track = _OutboundTrack()
        self._encoder: OpusEncoder | G711Encoder | None = None
        self._joined = False
        self._deadline: asyncio.TimerHandle | None = None
        self._presence: Presence | None = None
        self._now_s = 0.0
        self._closed = False

    async def answer(self, offer: Offer) -> str:
        """Take an offer, give the answer with all our candidates. Raises PeerError, NotAcceptable or AtCapacity."""
        self._offer = offer
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            self._arrange()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except AntiphonError:
            raise
        except OperationError as exc:
            raise NotAcceptable(NO_CODEC) from exc
        except Exception as exc:  # aiortc fails in every way that Python has on what it does not expect
            raise PeerError(NOT_VALID) from exc
        assert self._ice is not None, "because it is arranged"
        self._await("ICE", self._settings.ice_s)
        for candidate in offer.contacts:
            await self._ice.add(candidate)
        return offer.completed(_with_fec(self._pc.localDescription.sdp))

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_mline_index: int | None) -> None:
        """Take a trickled candidate (RFC 8838); an empty one says that there are no more. Raises PeerError."""
        if self._offer is None or self._ice is None or not candidate:
            return
        if sdp_mid is not None and sdp_mid != self._offer.mid:
            self._offer.candidates.leave_out("section")
        elif contact := self._offer.candidates.take(candidate):
            await self._ice.add(contact)

    @property
    def unheard_ms(self) -> float:
        """How long ago the last sign of the peer was: what was sent since then may have been lost."""
        silent_ms = 0.0 if self._presence is None else self._presence.silent_ms(self._now_s)
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
        self._reached()
        if self._ice is not None:
            self._ice.close()
        self._pacer.leave(self._tick)
        self._track.stop()
        await asyncio.shield(self._pc.close())  # aiortc may be closing by itself, and fails if that is cancelled

    def _arrange(self) -> None:
        """Our voice on the audio section, the caller's packets to us."""
        (audio,) = self._pc.getTransceivers()
        audio.direction = "sendrecv"
        self._ice = Ice(audio.receiver.transport.transport._connection, self._settings.reach, self._on_sign)
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
            self._reached()
            self._listener.ready()
            self._pacer.join(self._tick)
        elif state in ("failed", "closed") and not self._closed:
            self._listener.lost()

    def _on_ice_state(self) -> None:
        if self._pc.iceConnectionState == "completed" and not self._joined:
            self._await("DTLS", self._settings.dtls_s)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # the first one is the call's
        self._channel = channel
        channel.on("message", self._on_message)
        channel.on("open", self._flush)
        self._flush()  # it may be open already, and then no event follows

    def _on_message(self, text: str | bytes) -> None:
        self._on_sign()
        self._listener.receive_text(text)

    def _on_sign(self) -> None:
        if self._presence is not None:
            self._presence.sign(self._now_s)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for text in unsent:
            self.send_text(text)

    def _hear(self, frame: Frame) -> None:
        if self._presence is not None:
            self._presence.sound(self._now_s)
        self._listener.hear(frame)

    def _tick(self, number: int) -> None:
        """20 ms have passed."""
        pcm = self._listener.next_frame() or bytes(SPOKEN_BYTES)
        assert self._encoder is not None, "because nothing ticks before the answer"
        self._track.put(self._encoder.encode(pcm), number)
        self._look(number * FRAME_MS / 1000)

    # Whether the caller is there

    def _await(self, stage: str, limit_s: float) -> None:
        """The call is lost unless the stage of set-up is reached in time."""
        self._reached()
        if not self._closed:
            self._deadline = asyncio.get_running_loop().call_later(limit_s, self._lose, f"no {stage} in time")

    def _reached(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _look(self, now_s: float) -> None:
        self._now_s = now_s
        if self._presence is None:
            first_packet_s = self._settings.first_packet_s if self._offer and self._offer.sends else None
            self._presence = Presence(now_s, first_packet_s, self._settings.vanished_s)
        absence = self._presence.look(now_s)
        if absence is Absence.ASK and self._ice is not None:
            self._ice.ask()
        elif absence in (Absence.NO_SOUND, Absence.VANISHED):
            self._lose(absence.value)

    def _lose(self, reason: str) -> None:
        left_out = dict(self._offer.candidates.left_out) if self._offer else {}
        log.info("x peer is lost: %s; candidates not contacted: %s", reason, left_out)
        self._presence = None
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


def _with_fec(sdp: str) -> str:
    """The answer, with a request for in-band FEC (RFC 7587, section 6.1), which aiortc leaves out."""
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        if line.startswith("a=rtpmap:") and line.lower().endswith((" opus/48000/2", " opus/48000")):
            lines.append(f"a=fmtp:{line[9:].split()[0]} minptime=10;useinbandfec=1")
    return "\r\n".join(lines) + "\r\n"
