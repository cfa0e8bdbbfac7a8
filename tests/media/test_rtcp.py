import struct
from contextlib import suppress

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from aiortc.rtp import RtcpSenderInfo as SenderInfo
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtcp import (
    MAX_PACKETS,
    Reception,
    ReportBlock,
    Sent,
    block_about,
    bye,
    compound,
    middle,
    ntp,
    sender_clock,
)  # fmt: skip
from server.media.rtp import RtpPacket

CLOCK = 48_000


def packet(sequence: int, timestamp: int | None = None) -> RtpPacket:
    return RtpPacket(111, sequence & 0xFFFF, timestamp if timestamp is not None else sequence * 960, 5, b"")


def block_of(reception: Reception, now_s: float = 0.0) -> RtcpReceiverInfo:
    [report] = RtcpRrPacket.parse(struct.pack("!L", 1) + reception.block(now_s), 1).reports
    return report


def test_a_report_is_as_another_library_reads_it() -> None:
    """aiortc reads from our sender's report our clock, how much we have sent, what we have received, and our name."""
    reception = Reception(5, CLOCK)
    reception.receive(packet(7), 0.0)
    sender, name = RtcpPacket.parse(compound(Sent(9, 8_000, 3, 120), "me", reception, unix_s=1.5, now_s=0.0))
    assert isinstance(sender, RtcpSrPacket)
    assert (sender.ssrc, [report.ssrc for report in sender.reports]) == (9, [5])
    info = sender.sender_info
    assert (info.ntp_timestamp, info.rtp_timestamp) == (ntp(1.5), 8_000)
    assert (info.packet_count, info.octet_count) == (3, 120)
    assert isinstance(name, RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in name.chunks] == [(9, [(1, b"me")])]


def test_before_we_send_we_report_as_a_receiver() -> None:
    """A report has our clock only after we have sent a packet, and has a block only after the peer has sent one."""
    receiver, _ = RtcpPacket.parse(compound(Sent(9, 0, 0, 0), "me", None, unix_s=1.5, now_s=0.0))
    assert isinstance(receiver, RtcpRrPacket)
    assert receiver.reports == []


def test_a_compound_packet_of_too_many_parts_is_not_read() -> None:
    """A packet may have sixteen parts. Reading 360 of them would take 0.4 ms."""
    nothing, report = struct.pack("!BBH", 0x80, 201, 0), compound(Sent(9, 8_000, 3, 120), "me", None, 1.5, 0.0)
    assert sender_clock(nothing * (MAX_PACKETS - 1) + report) is not None
    with pytest.raises(ValueError, match="too many"):
        sender_clock(nothing * MAX_PACKETS + report)


def test_goodbye() -> None:
    """The packet that says that we stop names our stream. It has a report and our name, as every RTCP packet has."""
    report, name, goodbye = RtcpPacket.parse(bye(9, "me"))
    assert isinstance(report, RtcpRrPacket)
    assert isinstance(name, RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in name.chunks] == [(9, [(1, b"me")])]
    assert isinstance(goodbye, RtcpByePacket)
    assert goodbye.sources == [9]


def test_loss_is_reported_in_all_and_since_the_last_report() -> None:
    """Three of ten packets are missing while the sequence wraps, and none of the next ten: both reports say so."""
    reception = Reception(5, CLOCK)
    for sequence in range(65_530, 65_540):
        if sequence not in (65_533, 65_535, 65_536):
            reception.receive(packet(sequence), 0.0)
    first = block_of(reception)
    assert (first.packets_lost, first.fraction_lost, first.highest_sequence) == (3, 3 * 256 // 10, 65_539)
    for sequence in range(65_540, 65_550):
        reception.receive(packet(sequence), 0.0)
    second = block_of(reception)
    assert (second.packets_lost, second.fraction_lost, second.highest_sequence) == (3, 0, 65_549)


def test_jitter() -> None:
    """Packets at regular times have no jitter. If every second one is 10 ms late, it is near 10 ms (RFC 3550, A.8)."""
    steady, shaken = Reception(5, CLOCK), Reception(5, CLOCK)
    for n in range(200):
        steady.receive(packet(n), 0.02 * n)
        shaken.receive(packet(n), 0.02 * n + 0.01 * (n % 2))
    assert block_of(steady).jitter == 0
    assert block_of(shaken).jitter == pytest.approx(480, abs=5)


def test_the_peer_can_measure_the_round_trip() -> None:
    """Our report gives the peer's clock back, and says how long ago it came (RFC 3550, section 6.4.1)."""
    theirs = compound(Sent(5, 0, 1, 1), "peer", None, unix_s=100.0, now_s=0.0)
    clock = sender_clock(theirs)
    assert clock == (5, (ntp(100.0) >> 16) & 0xFFFFFFFF)
    reception = Reception(5, CLOCK)
    reception.receive(packet(1), 5.0)
    assert (block_of(reception, 5.0).lsr, block_of(reception, 5.0).dlsr) == (0, 0)
    reception.see_clock(clock[1], 5.0)
    block = block_of(reception, 5.25)
    assert (block.lsr, block.dlsr) == (clock[1], 65_536 // 4)


def test_the_clock_in_another_librarys_report_is_read() -> None:
    """A sender's report of aiortc gives its SSRC and its clock. A receiver's report has no clock."""
    blocks = [RtcpReceiverInfo(9, 64, 7, 0, 48, 0, 0)]
    data = bytes(RtcpSrPacket(5, SenderInfo(0x1122334455667788, 0, 0, 0), blocks))
    assert sender_clock(data) == (5, 0x33445566)
    assert sender_clock(bytes(RtcpRrPacket(5, blocks))) is None


@pytest.mark.parametrize("sends", [True, False])
def test_what_another_library_reports_about_us_is_read(sends: bool) -> None:
    """In a sender's or receiver's report of aiortc, the block about our stream is found among others."""
    blocks = [RtcpReceiverInfo(7, 1, 1, 1, 1, 1, 1), RtcpReceiverInfo(9, 64, 7, 70_000, 480, 0x11223344, 65_536)]
    report = RtcpSrPacket(5, SenderInfo(1, 0, 0, 0), blocks) if sends else RtcpRrPacket(5, blocks)
    data = bytes(RtcpSdesPacket([])) + bytes(report)
    assert block_about(9, data) == ReportBlock(0.25, 70_000, 480, 0x11223344, 65_536)
    assert block_about(8, data) is None


def test_a_block_that_is_not_there_is_not_read() -> None:
    """A report that claims more blocks than it has, and words after the last block, are no blocks."""
    block = RtcpReceiverInfo(9, 64, 7, 70_000, 480, 0, 0)
    claims = bytearray(bytes(RtcpRrPacket(5, [])))
    claims[0] |= 1
    assert block_about(9, bytes(claims)) is None
    extended = bytes(RtcpRrPacket(5, []))[:4] + bytes(RtcpRrPacket(5, [block]))[4:]
    assert block_about(9, extended[:2] + b"\0\x07" + extended[4:]) is None


def test_we_measure_the_round_trip() -> None:
    """Of the 0.95 s from our report to the answer, the peer kept it for 0.75 s; also when the clock wraps."""
    for sent_s in (100.0, 65_536.0 - (ntp(0) >> 32) % 65_536 + 65_535.5):
        block = ReportBlock(0, 0, 0, middle(ntp(sent_s)), int(0.75 * 65_536))
        assert block.round_trip_s(sent_s + 0.95) == pytest.approx(0.2, abs=0.001)


def test_a_round_trip_that_cannot_be_is_not_measured() -> None:
    """A peer that has got no report tells none. A report from the future or from long ago is a wrong number."""
    assert ReportBlock(0, 0, 0, 0, 0).round_trip_s(100.0) is None
    assert ReportBlock(0, 0, 0, middle(ntp(100.0)), 65_536).round_trip_s(100.5) is None
    assert ReportBlock(0, 0, 0, middle(ntp(100.0)), 0).round_trip_s(190.0) is None


@given(st.binary(max_size=200), st.sampled_from([200, 201, 202, 203, 205]), st.integers(0, 31))
def test_any_bytes(body: bytes, kind: int, count: int) -> None:
    """Any bytes are either read or raise ValueError."""
    for data in (body, bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body):
        for read in (sender_clock, lambda data: block_about(9, data)):
            with suppress(ValueError):
                read(data)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.floats(0, 10)), max_size=50))
def test_any_packets_can_be_reported(packets: list[tuple[int, int, float]]) -> None:
    """Whatever numbers a sender uses, they fit into the fields of our report."""
    reception, now_s = Reception(5, CLOCK), 0.0
    for sequence, timestamp, step_s in packets:
        now_s += step_s
        reception.receive(packet(sequence, timestamp), now_s)
        assert len(reception.block(now_s)) == 24
