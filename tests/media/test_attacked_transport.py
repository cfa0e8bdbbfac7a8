"""Callers that were let in, and attack below the data channel: by DTLS, new senders, reports and checks."""

import asyncio
import struct
from contextlib import suppress
from typing import Any

import pylibsrtp
import pytest
from OpenSSL import SSL

from server.media.ice import MAX_REMOTE
from server.media.senders import MAX_AT_ONCE, MAX_EVER
from server.media.transport import MAX_REPORTS_PER_S, MAX_STUN_AT_ONCE, MAX_WAITING
from tests.media.attacked import attacked, until
from tests.media.test_transport import FRAMES

pytestmark = pytest.mark.loopback_time


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
