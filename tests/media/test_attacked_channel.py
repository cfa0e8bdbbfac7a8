"""Callers that were let in, and attack through the data channel: each harms its own call, and nothing else grows."""

import asyncio
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiortc.rtcsctptransport import Chunk

from server.media.channel import MAX_KEPT_CHUNKS, MAX_MESSAGE_BYTES, MAX_STREAMS, WINDOW_BYTES, WINDOW_SLACK_BYTES
from server.media.transport import MAX_FAULTS_PER_S
from tests.hostile_caller import ABORT, DCEP, FIRST, LAST, OPEN, UNORDERED, HostileCaller, RawChunk
from tests.media.attacked import attacked, until

pytestmark = pytest.mark.loopback_time
SACK, HEARTBEAT, RE_CONFIG, FORWARD_TSN = 3, 4, 130, 192
PROTOCOL_VIOLATION = 13
BACK_OFF_S = 0.01
"""How long an attacker waits after each packet, so that the limit per second lets most of them pass."""


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
