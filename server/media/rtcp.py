"""Writes and reads RTCP (RFC 3550, section 6), as far as a call needs it.

We send reports about what we have sent and received. From the peer's reports we read its clock, which our reports send
back so that the peer can compute the round trip, and what it tells about our packets.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from server.media.rtp import RtpPacket

NTP_EPOCH_S = 2_208_988_800
"""The start of Unix time (1970) in NTP time: seconds since 1900."""
MAX_PACKETS = 16
"""How many packets of a compound one are read. Senders put two to six of them together; a hostile one could put 360
together, which take 0.4 ms."""
MAX_ROUND_TRIP_S = 30
"""A longer round trip is a wrong number of the peer."""
_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_HEADER, _BLOCK = struct.Struct("!BBH"), struct.Struct("!LLLLLL")
_SOURCE, _SENDER = struct.Struct("!L"), struct.Struct("!LQLLL")
"""How the bodies of a receiver's and a sender's report begin: the SSRC; and after it, clock, RTP time and counts."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What we have sent so far, for our report as a sender. `timestamp` is the present RTP time."""

    ssrc: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a peer reports about our packets (RFC 3550, section 6.4.1)."""

    lost: float
    """The share of our packets that the peer has lost since its last report, from 0 to 1."""
    highest: int
    """The highest sequence number that has come to the peer, with the number of its wraps in the upper 16 bits."""
    jitter: int
    """How unevenly our packets come, in units of the RTP clock."""
    last_report: int
    """The clock in our last report that has come to the peer, as `middle` gives it. 0 if none has come."""
    delay: int
    """How long the peer has had that report, in units of 1/65536 s."""

    def round_trip_s(self, unix_s: float) -> float | None:
        """The time that our report and the peer's answer were on their way, if the answer has come at `unix_s`.

        Returns None if the peer has got no report, or if its numbers make no sense.
        """
        way = (middle(ntp(unix_s)) - self.last_report - self.delay) & 0xFFFFFFFF
        return way / 65536 if self.last_report and way < MAX_ROUND_TRIP_S * 65536 else None


class Reception:
    """Counts what comes from one sender, for our reports to it (RFC 3550, A.3 and A.8)."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self._clock_rate = clock_rate
        self._first: int | None = None
        self._highest = 0
        self._received = 0
        self._jitter = 0.0
        self._transit: float | None = None
        """How far our clock was ahead of the last packet's timestamp, in units of the RTP clock."""
        self._reported = (0, 0)
        """How many packets were expected, and how many had come, at the last report."""
        self._peer_clock = (0, 0.0)
        """The clock in the sender's last report, and when that report came."""

    def receive(self, packet: RtpPacket, now_s: float) -> None:
        """Count a packet that has come."""
        if self._first is None:
            self._first = self._highest = packet.sequence
        self._received += 1
        ahead = (packet.sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
        transit = (now_s * self._clock_rate - packet.timestamp) % 2**32
        if self._transit is not None:
            change = abs((transit - self._transit + 2**31) % 2**32 - 2**31)
            self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def see_clock(self, middle_ntp: int, now_s: float) -> None:
        """Note that a report of the sender has come. `middle_ntp` is the middle 32 bits of its NTP time."""
        self._peer_clock = (middle_ntp, now_s)

    def block(self, now_s: float) -> bytes:
        """Write a report block. It tells the losses since the last block, and the total (RFC 3550, section 6.4.1)."""
        expected = self._highest - (self._first or 0) + 1
        expected_now, received_now = expected - self._reported[0], self._received - self._reported[1]
        self._reported = (expected, self._received)
        fraction = max(0, expected_now - received_now) * 256 // expected_now if expected_now > 0 else 0
        lost = max(-0x800000, min(0x7FFFFF, expected - self._received)) & 0xFFFFFF
        last_report, seen_s = self._peer_clock
        delay = int((now_s - seen_s) * 65536) & 0xFFFFFFFF if last_report else 0
        jitter = min(int(self._jitter), 0xFFFFFFFF)
        return _BLOCK.pack(
            self.ssrc, min(fraction, 255) << 24 | lost, self._highest & 0xFFFFFFFF, jitter, last_report, delay
        )


def ntp(unix_s: float) -> int:
    """Convert Unix time to NTP time in 64 bits: the seconds since 1900, then their fraction."""
    return int((unix_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle(ntp_time: int) -> int:
    """The middle 32 bits of an NTP time: 16 bits of seconds, then 16 bits of their fraction."""
    return (ntp_time >> 16) & 0xFFFFFFFF


def compound(sent: Sent, cname: str, reception: Reception | None, unix_s: float, now_s: float) -> bytes:
    """Write our report and our name in one packet (RFC 3550, section 6.4).

    It is a sender's report if we have sent anything, and a receiver's report if not. It tells what came from the peer
    if there is a `reception`.
    """
    blocks = reception.block(now_s) if reception is not None else b""
    count = len(blocks) // _BLOCK.size
    head = _SOURCE.pack(sent.ssrc)
    if sent.packets:
        packets, octets = sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF
        head = _SENDER.pack(sent.ssrc, ntp(unix_s), sent.timestamp, packets, octets)
    report = _packet(_SR if sent.packets else _RR, count, head + blocks)
    return report + _name(sent.ssrc, cname)


def bye(ssrc: int, cname: str) -> bytes:
    """Write the packet that says that we stop sending (RFC 3550, section 6.6).

    Every RTCP packet begins with a report and has the sender's name (section 6.1), so this one does, too.
    """
    source = _SOURCE.pack(ssrc)
    return _packet(_RR, 0, source) + _name(ssrc, cname) + _packet(_BYE, 1, source)


def _name(ssrc: int, cname: str) -> bytes:
    """Write the source description, with the name alone (RFC 3550, section 6.5.1)."""
    name = cname.encode()[:255]
    chunk = struct.pack("!LBB", ssrc, 1, len(name)) + name + b"\0"
    return _packet(_SDES, 1, chunk.ljust(-(-len(chunk) // 4) * 4, b"\0"))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def sender_clock(data: bytes) -> tuple[int, int] | None:
    """Read a sender's report from a compound packet. Returns its SSRC and the middle 32 bits of its NTP time.

    Returns None if there is no sender's report. Raises ValueError if the packet is not RTCP.
    """
    for kind, _, body in _split(data):
        if kind == _SR and len(body) >= _SENDER.size:
            ssrc, ntp_time, *_ = _SENDER.unpack_from(body)
            return ssrc, middle(ntp_time)
    return None


def block_about(ssrc: int, data: bytes) -> ReportBlock | None:
    """Read what a compound packet reports about our stream. Returns None if it says nothing about it.

    Raises ValueError if the packet is not RTCP.
    """
    for kind, count, body in _split(data):
        if kind not in (_SR, _RR):
            continue
        start = _SENDER.size if kind == _SR else _SOURCE.size
        for place in range(start, min(len(body) - _BLOCK.size, start + (count - 1) * _BLOCK.size) + 1, _BLOCK.size):
            about, losses, highest, jitter, last_report, delay = _BLOCK.unpack_from(body, place)
            if about == ssrc:
                return ReportBlock((losses >> 24) / 256, highest, jitter, last_report, delay)
    return None


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Split a compound packet. Gives the type, the count and the body of each packet in it. Raises ValueError."""
    place = number = 0
    while place < len(data):
        number += 1
        if number > MAX_PACKETS:
            raise ValueError("too many RTCP packets in one")
        if place + _HEADER.size > len(data):
            raise ValueError("truncated RTCP header")
        first, kind, words = _HEADER.unpack_from(data, place)
        end = place + _HEADER.size + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ValueError("not RTCP")
        yield kind, first & 0x1F, data[place + _HEADER.size : end]
        place = end
