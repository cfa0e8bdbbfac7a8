"""One call's RTP and RTCP (RFC 3550): turns the caller's packets into frames, and the agent's frames into packets.

It knows no socket; it gives its packets to a `PacketSender`. All work is done in `receive_rtp` and `receive_rtcp`, when
a packet has come, and in `hear` and `speak`, every 20 ms. There is no task, no thread and no queue.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from server.media import rtcp, rtp
from server.media.breaker import CircuitBreaker, Fault
from server.media.codecs import TELEPHONE_EVENT, Codec
from server.media.counters import MediaCounters
from server.media.downlink import Downlink
from server.media.frame import FRAME_MS, Frame
from server.media.inbound import Inbound
from server.media.line import Line
from server.media.outbound import Outbound, voice_of
from server.pace import Pace

REPORT_TICKS = 1_000 // FRAME_MS
"""How often a report is sent: once a second. Peers compute the round trip from it. If no report comes, some peers take
a silent call for a dead one."""


MAX_REPORTS_PER_S = 5
"""How many reports of the client are read per second. Browsers send one every second to every five seconds."""


class Ear(Protocol):
    """Gets the caller's sound and digits. Its methods must not wait."""

    def hear(self, frame: Frame) -> None: ...
    def digit(self, digit: str) -> None: ...


class PacketSender(Protocol):
    """Sends packets to the client. Its methods must not wait."""

    def send_rtp(self, packet: bytes) -> None: ...
    def send_rtcp(self, packet: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What the offer and the answer have agreed on."""

    codecs: Mapping[int, Codec]
    """The codecs by payload type. We speak with the first one that is for a voice."""
    ssrc: int
    """Our SSRC."""
    cname: str
    """Our name in RTCP reports: the one in the answer (RFC 5576, section 6.1). It is random (RFC 7022)."""
    level_id: int | None = None
    """The id of the header extension with the audio level (RFC 6464)."""
    uses_copies: bool = True
    """Whether the client's Opus decoder uses copies of lost sound (in-band FEC; RFC 7587, section 6.1)."""
    ticks_apart: int = 0
    """By how many ticks this call's reports are shifted, so that not all calls send theirs in the same tick."""

    @property
    def voice(self) -> tuple[int, Codec]:
        """The payload type and the codec with which we speak."""
        return next(item for item in self.codecs.items() if item[1].speaks)

    @property
    def key_type(self) -> int | None:
        """The payload type for keys that we press: its clock has to be that of our voice (RFC 4733, section 2.1)."""
        wanted = Codec(TELEPHONE_EVENT, self.voice[1].clock_rate)
        return next((number for number, codec in self.codecs.items() if codec == wanted), None)


class RtpSession:
    """The RTP session of one call."""

    def __init__(self, agreed: Negotiated, ear: Ear, sender: PacketSender, counters: MediaCounters) -> None:
        self._agreed = agreed
        self._sender = sender
        self._counters = counters
        self._inbound = Inbound(agreed.codecs, ear.hear, ear.digit, counters)
        self._reception: rtcp.Reception | None = None
        self._begin_sending(agreed)
        self._reports = Pace(MAX_REPORTS_PER_S, burst=MAX_REPORTS_PER_S)
        self._epoch_s: float | None = None
        """The Unix time at which the steady clock was 0. It is read once, so that no correction of the system's time
        becomes a part of a round trip."""

    def agree(self, agreed: Negotiated) -> None:
        """Go on with what a later offer and its answer have agreed on. A new SSRC begins a new stream of ours."""
        self._inbound.codecs = agreed.codecs
        before, self._agreed = self._agreed, agreed
        if agreed.ssrc != before.ssrc:
            self._begin_sending(agreed)
        self._outbound.key_type = agreed.key_type

    def _begin_sending(self, agreed: Negotiated) -> None:
        payload_type, codec = agreed.voice
        self._outbound = Outbound(voice_of(codec.name), payload_type, agreed.ssrc, self._counters)
        self._outbound.key_type = agreed.key_type
        self._downlink = Downlink(codec.clock_rate, self._counters)
        self._breaker = CircuitBreaker()

    def receive_rtp(self, data: bytes, now_s: float) -> None:
        """Take an RTP packet. Raises ValueError if it is not RTP."""
        packet = rtp.parse(data, self._agreed.level_id)
        codec = self._agreed.codecs.get(packet.payload_type)
        if codec is None:
            return
        self._inbound.receive(packet, now_s * 1000)
        if packet.ssrc != self._inbound.sender:
            return
        if self._reception is None or self._reception.ssrc != packet.ssrc:
            self._reception = rtcp.Reception(packet.ssrc, codec.clock_rate)
        self._reception.receive(packet, now_s)

    def receive_rtcp(self, data: bytes, now_s: float) -> None:
        """Take an RTCP packet. Raises ValueError if it is not RTCP."""
        clock = rtcp.sender_clock(data)
        if clock is not None and self._reception is not None and self._reception.ssrc == clock[0]:
            self._reception.see_clock(clock[1], now_s)
        block = rtcp.block_about(self._agreed.ssrc, data)
        if block is None or not self._reports.admits(now_s):
            return
        round_trip_s = block.round_trip_s(self._unix_s(now_s))
        self._breaker.report(block, round_trip_s)
        self._downlink.report(block, round_trip_s)
        if self._agreed.uses_copies:
            self._outbound.expect_loss(self._downlink.expected_loss_percent)

    def hear(self, now_s: float) -> None:
        """Hand on the caller's sound that is due now. Call it every 20 ms."""
        self._inbound.poll(now_s * 1000)

    def speak(self, pcm: bytes | None, tick: int, now_s: float) -> None:
        """Send the agent's 20 ms of this tick: 24 kHz PCM, or None for silence. Call it every 20 ms."""
        for packet in self._outbound.next(pcm, tick):
            self._send(packet)
        self.rest(tick, now_s)

    def rest(self, tick: int, now_s: float) -> None:
        """Send no sound in this tick, only a report when one is due (RFC 3264, section 5.1)."""
        if (tick + self._agreed.ticks_apart) % REPORT_TICKS == 0:
            sent, unix_s = self._outbound.sent(tick), self._unix_s(now_s)
            self._sender.send_rtcp(rtcp.compound(sent, self._agreed.cname, self._reception, unix_s, now_s))

    def look(self) -> Fault | None:
        """Judge by the client's reports whether we must stop sending. Call it every 20 ms."""
        return self._breaker.look()

    @property
    def line(self) -> Line:
        """How the connection carries sound at present."""
        return Line(self._agreed.voice[1].name, self._counters, self._inbound.window_ms)

    @property
    def may_begin(self) -> bool:
        """Whether a reply can begin now, without waiting for the next tick."""
        return self._outbound.may_begin

    def begin(self, pcm: bytes) -> None:
        """Send the first 20 ms of a reply now."""
        self._send(self._outbound.begin(pcm))

    def close(self) -> None:
        """Tell the peer that we send no more."""
        self._sender.send_rtcp(rtcp.bye(self._agreed.ssrc, self._agreed.cname))

    def _send(self, packet: bytes) -> None:
        self._breaker.sent()
        self._sender.send_rtp(packet)

    def _unix_s(self, now_s: float) -> float:
        """The Unix time at `now_s`."""
        if self._epoch_s is None:
            self._epoch_s = time.time() - now_s
        return self._epoch_s + now_s
