"""Callers that were let in, have the right keys, and attack: each harms its own call, and nothing else grows."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pylibsrtp
import pytest
from aiortc.rtcsctptransport import Chunk
from OpenSSL import SSL

from server.media.channel import MAX_KEPT_CHUNKS, MAX_MESSAGE_BYTES, MAX_STREAMS, WINDOW_BYTES, WINDOW_SLACK_BYTES
from server.media.ice import MAX_REMOTE
from server.media.senders import MAX_AT_ONCE, MAX_EVER
from server.media.transport import MAX_FAULTS_PER_S, MAX_REPORTS_PER_S, MAX_STUN_AT_ONCE, MAX_WAITING
from tests.hostile_caller import ABORT, DCEP, FIRST, LAST, OPEN, UNORDERED, HostileCaller, RawChunk
from tests.media.test_transport import FRAMES, Call, calling

pytestmark = pytest.mark.loopback_time

SACK, HEARTBEAT, RE_CONFIG, FORWARD_TSN = 3, 4, 130, 192
PROTOCOL_VIOLATION = 13
BACK_OFF_S = 0.01
"""How long an attacker waits after each packet, so that the limit per second lets most of them pass."""


class Attacked:
    """Our side of the call, and the attacker on the other one."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.caller = HostileCaller(call.caller)
        self.counters = call.peer.counters
        self.sctp: Any = call.peer._bundle.sctp
        self.dtls: Any = self.sctp.transport

    async def goes_on(self) -> None:
        """The caller is still heard, and its messages still come."""
        await asyncio.sleep(1.1)  # until the allowance is there again
        self.caller.pc.sctp._data_channels[1].send("still there")  # type: ignore[union-attr]
        await until(lambda: "still there" in self.call.listening.texts)
        await self.call.listening.hears(FRAMES)
        assert not self.call.listening.is_lost


@asynccontextmanager
async def attacked() -> AsyncIterator[Attacked]:
    async with calling() as call:
        await call.connect()
        call.channel.send("hello")
        await until(lambda: call.listening.texts == ["hello"])
        try:
            yield Attacked(call)
        finally:
            call.caller.sctp._abort = nothing  # type: ignore[union-attr,method-assign]  # its DTLS may be broken


async def nothing() -> None:
    return


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # real sockets are at work
        await asyncio.sleep(0.005)


def fragments(caller: HostileCaller) -> Iterator[Chunk]:
    """A message that never ends."""
    yield caller.data(flags=FIRST)
    while True:
        yield caller.data(flags=0)


def fragments_in_streams(caller: HostileCaller) -> Iterator[Chunk]:
    """A few streams, in each of them messages that wait for one that never comes."""
    for number in range(10_000):
        chunk = caller.data(flags=FIRST | LAST, stream=1 + number % 8)
        chunk.stream_seq = 100 + number
        yield chunk


def gaps(caller: HostileCaller) -> Iterator[Chunk]:
    """Whole messages, of which none can be delivered, because one before them is missing."""
    while True:
        yield caller.data(flags=FIRST | LAST, skip=1)


def unordered_middles(caller: HostileCaller) -> Iterator[Chunk]:
    """Middles of messages that never begin."""
    while True:
        yield caller.data(flags=UNORDERED, skip=1)


def big_fragments(caller: HostileCaller) -> Iterator[Chunk]:
    """A message that never ends, in the largest pieces."""
    yield caller.data(bytes(1_100), FIRST)
    while True:
        yield caller.data(bytes(1_100), flags=0)


def channels(caller: HostileCaller) -> Iterator[Chunk]:
    """Thousands of channels."""
    for stream in range(3, 10_000, 2):
        yield caller.data(OPEN, FIRST | LAST, stream, DCEP)


def empty_streams(caller: HostileCaller) -> Iterator[Chunk]:
    """Reports that a message was given up, in streams that were never used."""
    for stream in range(10_000):
        yield RawChunk(FORWARD_TSN, struct.pack("!LHH", caller.data().tsn, stream, 0))


@pytest.mark.parametrize(
    "attack",
    [fragments, fragments_in_streams, gaps, unordered_middles, big_fragments, channels, empty_streams],
)
async def test_what_is_kept_for_a_data_channel_is_limited(attack: Callable[[HostileCaller], Iterator[Chunk]]) -> None:
    """A client that makes us keep more than any call needs is told why, and loses its call."""
    async with attacked() as its:
        most = most_bytes = 0
        for chunk in attack(its.caller):
            if its.call.listening.is_lost:
                break
            await its.caller.send(chunk)
            most, most_bytes = max(most, kept(its.sctp)), max(most_bytes, WINDOW_BYTES - its.sctp._advertised_rwnd)
            await asyncio.sleep(BACK_OFF_S / 2)
        assert most <= MAX_KEPT_CHUNKS
        assert most_bytes <= WINDOW_BYTES + WINDOW_SLACK_BYTES
        assert its.counters.abusive >= 1
        assert len(its.sctp._data_channels) <= MAX_STREAMS + 1
        assert len(its.sctp._inbound_streams) <= MAX_STREAMS + 1
        await until(lambda: any(chunk.type == ABORT for chunk in its.caller.told))
        [(cause, reason)] = next(chunk.params for chunk in its.caller.told if chunk.type == ABORT)
        assert cause == PROTOCOL_VIOLATION
        assert reason.startswith(b"more than ")


def kept(sctp: Any) -> int:
    """How many pieces aiortc keeps."""
    pieces = sum(len(stream.reassembly) for stream in sctp._inbound_streams.values())
    return max(pieces, len(sctp._sack_misordered), len(sctp._sack_duplicates))


async def test_chunks_are_counted_not_packets() -> None:
    """Sixty fragments in a packet are sixty, so that not even the first ten packets are all handled."""
    async with attacked() as its:
        endless = fragments(its.caller)
        for _ in range(10):
            await its.caller.send(*(next(endless) for _ in range(60)))
        await until(lambda: its.counters.over_rate + its.counters.abusive >= 9)
        assert kept(its.sctp) <= MAX_KEPT_CHUNKS


async def test_a_report_on_packets_that_were_never_sent_costs_nothing() -> None:
    """A report of 20 bytes that names 65,536 packets is dropped. With 340 such lists in it, it took aiortc 5 s."""
    async with attacked() as its:
        for count in (1, 340):
            lists = struct.pack("!LLHH", its.sctp._last_sacked_tsn, 2**20, count, 0)
            await its.caller.send(RawChunk(SACK, lists + struct.pack("!HH", 0, 65_535) * count))
        await until(lambda: its.counters.over_rate == 2)
        await its.goes_on()


@pytest.mark.parametrize("kind", [HEARTBEAT, RE_CONFIG])
async def test_a_parameter_without_a_length_stops_nobody(kind: int) -> None:
    """aiortc reads a parameter of no length for ever. It gets none."""
    async with attacked() as its:
        await its.caller.send(RawChunk(kind, struct.pack("!HH", 13, 0)))
        await until(lambda: its.counters.malformed == 1)
        await its.goes_on()


async def test_what_asks_for_many_answers_gets_none() -> None:
    """A packet with 300 questions would be answered with 300 packets."""
    async with attacked() as its:
        its.caller.told.clear()
        resets = b"".join(struct.pack("!HHLLL", 13, 16, number, 0, 1) for number in range(70))
        await its.caller.send(*[RawChunk(HEARTBEAT)] * 300)
        await its.caller.send(RawChunk(RE_CONFIG, resets))
        await until(lambda: its.counters.over_rate == 2)
        await its.goes_on()
        assert {chunk.type for chunk in its.caller.told} == {SACK}


async def test_texts_that_are_none_are_counted() -> None:
    """A text that is not UTF-8 makes aiortc raise. A few per second are borne; many end the call."""
    async with attacked() as its:
        for _ in range(5):
            await its.caller.send(its.caller.data(b"\xff\xff", FIRST | LAST))
            await asyncio.sleep(BACK_OFF_S)
        await until(lambda: its.counters.malformed == 5)
        assert not its.call.listening.is_lost
        for _ in range(4 * MAX_FAULTS_PER_S):
            if not its.call.listening.is_lost:
                await its.caller.send(its.caller.data(b"\xff\xff", FIRST | LAST))
                await asyncio.sleep(BACK_OFF_S)
        assert its.call.listening.is_lost


async def test_an_honest_client_on_a_bad_network_is_not_refused() -> None:
    """If every fifth packet is lost, all messages come, in order, up to the longest that the answer allows."""
    async with attacked() as its:
        assert its.caller.sctp._remote_max_message_size == MAX_MESSAGE_BYTES
        handle, count = its.dtls._data_receiver._handle_data, [0]

        async def lossy(packet: bytes) -> None:
            count[0] += 1
            if count[0] % 5:
                await handle(packet)

        its.dtls._data_receiver._handle_data = lossy
        sent = [f"{number}" * 200 for number in range(20)] + ["x" * MAX_MESSAGE_BYTES]
        for text in sent:
            its.call.channel.send(text)
        await until(lambda: len(its.call.listening.texts) == 1 + len(sent))
        assert its.call.listening.texts[1:] == sent
        assert its.counters.abusive == 0
        assert its.sctp._advertised_rwnd == WINDOW_BYTES


async def test_a_client_that_takes_no_long_messages_gets_none() -> None:
    """A message that is longer than the client's offer allows is dropped. Sending it raises nothing."""
    async with attacked() as its:
        got: list[str] = []
        its.call.channel.on("message", got.append)
        its.sctp._remote_max_message_size = 10
        its.call.peer.send_text("x" * 11)
        its.call.peer.send_text("short")
        await until(lambda: got == ["short"])


async def test_all_records_of_a_datagram_are_read() -> None:
    """OpenSSL keeps nothing of a datagram that carries many records. Each record counts, so that of 40 such datagrams
    half are dropped."""
    async with attacked() as its:
        for _ in range(40):
            await its.caller.send_records(10, bytes(100))
        await until(lambda: its.counters.over_rate >= 20)
        await until(lambda: its.dtls.transport._connection._queue.empty())
        await asyncio.sleep(0)
        with pytest.raises(SSL.WantReadError):
            its.dtls._ssl.recv(2_048)
        await its.goes_on()


async def test_nobody_renegotiates() -> None:
    """A client cannot make us do the DTLS handshake again. One that insists breaks its DTLS, and loses its call."""
    async with attacked() as its:
        its.caller.dtls._ssl.renegotiate()
        with suppress(SSL.Error):
            its.caller.dtls._ssl.do_handshake()
        await its.caller.send_datagram(its.caller.dtls._ssl.bio_read(4_096))
        await until(lambda: its.call.listening.is_lost)
        assert its.dtls._ssl.total_renegotiations() == 0


async def test_a_call_whose_dtls_is_broken_leaves_no_socket() -> None:
    """The peer closes its sockets although nothing can be sent any more."""
    async with attacked() as its:
        its.dtls._ssl.shutdown()
        with pytest.raises(SSL.Error):
            its.dtls._ssl.send(b"x")
        await its.call.peer.close()
        assert not its.call.protocols


async def test_dtls_waits_in_a_queue_with_an_end() -> None:
    """DTLS datagrams that come before anybody reads them are dropped when MAX_WAITING of them wait."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        for _ in range(100):
            protocol.datagram_received(b"\x16\xfe\xfd" + bytes(40), its.call.address)
        assert its.dtls.transport._connection._queue.qsize() == MAX_WAITING
        assert its.counters.over_rate == 100 - MAX_WAITING


async def test_a_new_sender_in_each_packet_is_not_heard_for_long() -> None:
    """Of a client that changes its SSRC with each packet, MAX_EVER senders are heard, and libsrtp keeps few."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        ssrcs = range(1_000, 1_300)
        for ssrc in ssrcs:
            protocol.datagram_received(its.caller.strange_sound(ssrc), its.call.address)
        assert its.counters.strange_sender >= len(ssrcs) - MAX_EVER
        assert sum(knows(its.dtls._rx_srtp, ssrc) for ssrc in ssrcs) <= MAX_AT_ONCE


def knows(srtp: Any, ssrc: int) -> bool:
    """Whether libsrtp keeps a state for that sender."""
    try:
        srtp.remove_stream(ssrc)
    except pylibsrtp.Error:
        return False
    return True


async def test_forged_senders_take_no_place() -> None:
    """A stranger who forges the client's address, but has no keys, uses no sender up: a new one is still heard."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        for ssrc in range(1_000, 2_000):
            forged = bytearray(its.caller.strange_sound(7))
            forged[8:12] = ssrc.to_bytes(4)
            protocol.datagram_received(bytes(forged), its.call.address)
        assert its.counters.unauthentic == 1_000
        before = its.counters.received
        protocol.datagram_received(its.caller.strange_sound(3_000), its.call.address)
        assert its.counters.received == before + 1


async def test_a_packet_of_a_forgotten_sender_is_no_news() -> None:
    """A stranger who repeats a packet of a sender that we have forgotten is not heard."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        old = its.caller.strange_sound(1_000)
        protocol.datagram_received(old, its.call.address)
        for ssrc in range(1_001, 1_001 + MAX_AT_ONCE):
            protocol.datagram_received(its.caller.strange_sound(ssrc), its.call.address)
        received = its.counters.received
        protocol.datagram_received(old, its.call.address)
        assert (its.counters.received, its.counters.strange_sender) == (received, 1)


async def test_two_senders_that_take_turns_build_one_decoder_each() -> None:
    """With two SSRCs that alternate, only the later one is heard, and nothing is made anew."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        inbound = its.call.peer._rtp._inbound  # type: ignore[union-attr]
        streams = []
        for number in range(40):
            for ssrc in (1_000, 1_001):
                protocol.datagram_received(its.caller.sound(ssrc, number), its.call.address)
                streams.append(inbound._stream)
        assert len(set(map(id, streams))) == 2
        assert inbound.sender == 1_001
        assert its.counters.unheard >= 39


async def test_reports_are_limited() -> None:
    """Of a flood of authentic RTCP a burst is read. It takes no room from the sound."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        srtp = its.caller.dtls._tx_srtp
        for _ in range(1_000):
            protocol.datagram_received(srtp.protect_rtcp(struct.pack("!BBHL", 0x80, 201, 1, 7)), its.call.address)
        assert 1_000 - 2 * MAX_REPORTS_PER_S < its.counters.over_rate < 1_000
        await its.call.listening.hears(FRAMES)
        assert its.counters.lost == 0


async def test_checks_with_the_right_password_are_limited() -> None:
    """A client that sends STUN checks from thousands of ports gets few answers, and few pairs are made. Its sound is
    heard as before."""
    async with attacked() as its:
        [protocol] = its.call.protocols
        for port in range(20_000, 22_000):
            protocol.datagram_received(its.caller.check(), ("127.0.0.1", port))
        ice = its.dtls.transport._connection
        assert len(ice._remote_candidates) <= MAX_REMOTE
        assert its.counters.over_rate >= 2_000 - 2 * MAX_STUN_AT_ONCE
        received = its.counters.received
        await until(lambda: its.counters.received >= received + FRAMES)
        assert its.counters.lost == 0
        assert not its.call.listening.is_lost
