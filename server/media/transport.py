"""Sends and receives sound over aiortc's ICE and DTLS, without aiortc's own RTP.

aiortc itself hands each datagram over through a queue and a task, decodes in one thread per call, and ends a call when
an empty datagram comes from anywhere. Here every datagram is judged first (`guard.py`). SRTP is decrypted and encrypted
in the same step of the loop in which a packet comes or goes. Only DTLS goes through aiortc.

A peer with the right keys may be hostile, too. Each kind of datagram has its own limit per second, and nothing that it
sends makes aiortc, OpenSSL or libsrtp keep more and more.

tests/media/test_aiortc.py lists the private names of aiortc that are used here, and fails if an upgrade changes them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aioice.ice import CandidatePair
from OpenSSL import SSL

from server.media.counters import MediaCounters
from server.media.guard import Kind, is_rtcp, kind_of, names, transaction_of
from server.media.senders import Senders
from server.pace import Pace

MAX_SOUND_PER_S = 500
"""How many authentic RTP packets a call may get per second. A call needs 50 to 100, and 400 if its client sends the
shortest packets of Opus, 2.5 ms each. The rest is room for a burst after a stall."""
MAX_REPORTS_PER_S = 50
"""How many authentic RTCP packets. A call needs five; a browser that reports on every packet of ours sends 20."""
MAX_DTLS_PER_S = 200
"""How many DTLS records, most of which carry messages and acknowledge ours."""
MAX_STUN_PER_S, MAX_STUN_AT_ONCE = 50, 200
"""How many STUN messages, each of which takes 0.15 ms. A browser sends one or two, but at the start of a call one for
each pair of addresses."""
MAX_WAITING = 64
"""How many DTLS datagrams may wait to be read. They wait only while ICE has not found a way yet."""
MAX_FAULTS_PER_S = 10
"""How many DTLS records per second may make aiortc raise. A transport that raises more often is broken, and ends."""
MAX_DATAGRAM_BYTES = 2048
"""The size of the buffer for one datagram. No link carries more in one piece. asyncio's own buffer has 256 KiB, and is
allocated anew for each datagram."""
_CHECKED = (CandidatePair.State.IN_PROGRESS, CandidatePair.State.SUCCEEDED)

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Gets the authentic packets. Its methods are called on the loop, and must not wait."""

    def receive_rtp(self, data: bytes, now_s: float) -> None: ...
    def receive_rtcp(self, data: bytes, now_s: float) -> None: ...


class MediaTransport:
    """Controls one DTLS transport of aiortc, and the sockets below it."""

    def __init__(self, dtls: Any, receiver: Receiver, counters: MediaCounters) -> None:
        """Create it before candidates are gathered, so that no datagram gets past it.

        `dtls` is aiortc's RTCDtlsTransport.
        """
        self._dtls = dtls
        self._ice = dtls.transport._connection
        self._receiver = receiver
        self._counters = counters
        # Several limits, so that a flood of one kind takes no room from another. Forged sound counts for none of them.
        self._sound_rate = Pace(MAX_SOUND_PER_S, burst=MAX_SOUND_PER_S)
        self._report_rate = Pace(MAX_REPORTS_PER_S, burst=MAX_REPORTS_PER_S)
        self._dtls_rate = Pace(MAX_DTLS_PER_S, burst=MAX_DTLS_PER_S)
        self._stun_rate = Pace(MAX_STUN_PER_S, burst=MAX_STUN_AT_ONCE)
        self._senders = Senders()
        self._faults = Pace(MAX_FAULTS_PER_S, burst=MAX_FAULTS_PER_S)
        self._peer: Any = None
        """An address that ICE has checked with success: the last one that a datagram came from."""
        self._loop = asyncio.get_running_loop()
        self._ice.data_received = self._refuse
        dtls._recv_next = self._surviving(dtls._recv_next)

    def guard(self) -> None:
        """Receive in place of aioice at every socket. Call it after candidates are gathered."""
        for protocol in self._ice._protocols:
            protocol.datagram_received = self._guarding(protocol)
            if hasattr(protocol.transport, "max_size"):
                protocol.transport.max_size = MAX_DATAGRAM_BYTES

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send an RTP packet. It is dropped while there is no connection."""
        if self._dtls._tx_srtp is not None:
            self._send(self._dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send an RTCP packet. It is dropped while there is no connection."""
        if self._dtls._tx_srtp is not None:
            self._send(self._dtls._tx_srtp.protect_rtcp(packet))

    def _send(self, data: bytes) -> None:
        pair = self._ice._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def _guarding(self, protocol: Any) -> Callable[[bytes, tuple[Any, ...]], None]:
        """Make the function that the socket calls in place of aioice's own method."""
        stun = type(protocol).datagram_received

        def datagram_received(data: bytes, address: tuple[Any, ...]) -> None:
            try:
                self._admit(protocol, stun, data, address[:2])
            except Exception:  # one datagram must not end a call
                self._counters.malformed += 1
                log.debug("x cannot handle a datagram of %d bytes", len(data), exc_info=True)

        return datagram_received

    def _admit(self, protocol: Any, stun: Callable[..., None], data: bytes, address: tuple[Any, ...]) -> None:
        """Hand a datagram to the protocol that it belongs to, or count it as dropped."""
        counters = self._counters
        if not data:
            counters.empty += 1
            return
        kind = kind_of(data)
        if kind is None:
            counters.unknown_kind += 1
        elif not (self._knows(protocol, address) or (kind is Kind.STUN and self._expects(protocol, data))):
            counters.unvalidated += 1
        elif kind is Kind.SRTP:
            self._receive_srtp(data, self._loop.time())
        elif not (self._stun_rate if kind is Kind.STUN else self._dtls_rate).admits(self._loop.time()):
            counters.over_rate += 1
        elif kind is Kind.STUN:
            stun(protocol, data, address)
        elif self._ice._queue.qsize() < MAX_WAITING:
            self._ice._queue.put_nowait((data, 1))
        else:
            counters.over_rate += 1

    def _knows(self, protocol: Any, address: tuple[Any, ...]) -> bool:
        """Whether ICE is checking this address, or has checked it with success."""
        if address == self._peer:
            return True
        for pair in self._ice._check_list:
            if pair.protocol is protocol and pair.remote_addr == address and pair.state in _CHECKED:
                if pair.state is CandidatePair.State.SUCCEEDED:
                    self._peer = address
                return True
        return False

    def _expects(self, protocol: Any, data: bytes) -> bool:
        """Whether a STUN message from a new address is a check for us, or the answer to a check of ours."""
        transaction = transaction_of(data)
        if transaction is None:
            return names(data, self._ice.local_username.encode())
        return transaction in protocol.transactions

    def _receive_srtp(self, data: bytes, now_s: float) -> None:
        srtp = self._dtls._rx_srtp
        if srtp is None:
            return
        control = is_rtcp(data)
        sender = int.from_bytes(data[4:8] if control else data[8:12])
        if not self._senders.admits(sender):
            self._counters.strange_sender += 1
            return
        try:
            plain = srtp.unprotect_rtcp(data) if control else srtp.unprotect(data)
        except Exception:
            self._counters.unauthentic += 1
            return
        if (forgotten := self._senders.note(sender)) is not None:
            srtp.remove_stream(forgotten)
        if not (self._report_rate if control else self._sound_rate).admits(now_s):
            self._counters.over_rate += 1
            return
        (self._receiver.receive_rtcp if control else self._receiver.receive_rtp)(plain, now_s)

    def _refuse(self, data: bytes, component: int) -> None:
        """Drop a datagram that aioice would hand over without checking where it comes from."""
        self._counters.unvalidated += 1

    def _surviving(self, receive_next: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Wrap aiortc's function that handles the next DTLS datagram: it survives one that makes it raise.

        The next one may be good. It still raises if too many fail in a second.
        """

        async def recv_next() -> None:
            # A client could renegotiate again and again. WebRTC has no use for it.
            self._dtls._ssl.set_options(SSL.OP_NO_RENEGOTIATION)
            try:
                await receive_next()
                if self._dtls.encrypted:
                    await self._read_on()
            except ConnectionError:
                raise
            except Exception:
                self._counters.malformed += 1
                if not self._faults.admits(self._loop.time()):
                    raise
                log.debug("x cannot handle a DTLS record", exc_info=True)

        return recv_next

    async def _read_on(self) -> None:
        """Handle the other records of a DTLS datagram. aiortc reads one of each, and OpenSSL keeps the rest.

        Raises ConnectionError if OpenSSL can read no more, because then it would keep whatever comes.
        """
        while (record := self._next_record()) is not None:
            if self._dtls_rate.reserve(self._loop.time()):
                self._counters.over_rate += 1
            elif self._dtls._data_receiver is not None:
                await self._dtls._data_receiver._handle_data(record)

    def _next_record(self) -> bytes | None:
        """What the next DTLS record carries. None if all records that have come are read."""
        try:
            record: bytes = self._dtls._ssl.recv(MAX_DATAGRAM_BYTES)
            return record
        except SSL.WantReadError:
            return None
        except SSL.Error as exc:
            raise ConnectionError("DTLS has ended") from exc
