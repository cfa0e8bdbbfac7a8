"""One call's RTP and RTCP (RFC 3550), both ways: packets in, frames out of them; frames in, packets out of them.

Knows no socket: what it sends goes to two functions. Everything happens in `receive_*`, when a packet has come, and in
`tick`, every 20 ms; there is no task, no thread and no queue.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from server.media import rtcp, rtp
from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS, Frame
from server.media.g711 import law
from server.media.inbound import TELEPHONE_EVENT, Codec, Inbound
from server.media.outbound import G711Voice, OpusVoice, Outbound

REPORT_TICKS = 1_000 // FRAME_MS
"""A report a second: peers measure the round trip by it, and some take silence without one for a dead call."""


class Ear(Protocol):
    """Who hears the caller."""

    def hear(self, frame: Frame) -> None: ...
    def digit(self, digit: str) -> None: ...


class Wire(Protocol):
    """What packets leave by. Never waits."""

    def send_rtp(self, packet: bytes) -> None: ...
    def send_rtcp(self, packet: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What offer and answer have agreed on."""

    codecs: Mapping[int, Codec]
    """By payload type, the one to speak first. No telephone event comes before it."""
    ssrc: int
    cname: str
    level_id: int | None = None
    """The header extension with the audio level (RFC 6464)."""
    ticks_apart: int = 0
    """By how many ticks its reports differ from other calls', so that not all calls report at once."""


class RtpSession:
    def __init__(self, agreed: Negotiated, ear: Ear, wire: Wire, counters: MediaCounters) -> None:
        self.report: rtcp.Report | None = None
        """The last that the peer said of what it got."""
        self._agreed = agreed
        self._wire = wire
        self._counters = counters
        payload_type, codec = next(item for item in agreed.codecs.items() if item[1].name != TELEPHONE_EVENT)
        voice = OpusVoice() if codec.name == "opus" else G711Voice(law(codec.name))
        self._inbound = Inbound(agreed.codecs, ear.hear, ear.digit, counters)
        self._outbound = Outbound(voice, payload_type, agreed.ssrc, counters)
        self._reception: rtcp.Reception | None = None

    def receive_rtp(self, data: bytes, now_s: float) -> None:
        """Raises ValueError when it is none."""
        packet = rtp.parse(data, self._agreed.level_id)
        codec = self._agreed.codecs.get(packet.payload_type)
        if codec is None:
            return
        if self._reception is None or self._reception.ssrc != packet.ssrc:
            self._reception = rtcp.Reception(packet.ssrc, codec.clock_rate)
        self._reception.receive(packet, now_s)
        self._inbound.receive(packet, now_s * 1000)

    def receive_rtcp(self, data: bytes, now_s: float) -> None:
        """Raises ValueError when it is none."""
        clock = rtcp.sender_clock(data)
        if clock is not None and self._reception is not None and self._reception.ssrc == clock[0]:
            self._reception.see_clock(clock[1], now_s)
        self.report = rtcp.report_of(data, self._agreed.ssrc, time.time()) or self.report

    def hear(self, now_s: float) -> None:
        """Time passes for what is waited for; to be called every 20 ms."""
        self._inbound.poll(now_s * 1000)

    def speak(self, pcm: bytes | None, tick: int, now_s: float) -> None:
        """Send this tick's 20 ms of 24 kHz PCM, or silence."""
        packet = self._outbound.next(pcm, tick)
        if packet is not None:
            self._wire.send_rtp(packet)
        if (tick + self._agreed.ticks_apart) % REPORT_TICKS == 0:
            self._wire.send_rtcp(
                rtcp.compound(self._outbound.sent(tick), self._agreed.cname, self._reception, time.time(), now_s)
            )

    @property
    def may_begin(self) -> bool:
        """Whether an answer need not wait for the next tick."""
        return self._outbound.may_begin

    def begin(self, pcm: bytes) -> None:
        """Send the first 20 ms of an answer now."""
        self._wire.send_rtp(self._outbound.begin(pcm))

    def close(self) -> None:
        """Tell the peer that no more will come."""
        self._wire.send_rtcp(rtcp.bye(self._agreed.ssrc))
