"""Sound over aiortc's ICE and DTLS, without its own RTP: a guarded way in, and a way out that never waits.

aiortc hands a datagram over by a queue and a task, decodes in a thread for each call, and ends a call at an empty
datagram from anywhere. Here every datagram passes the guard first; SRTP is taken off and put on in the step of the
loop in which it comes or goes, and only DTLS takes the way through aiortc. Its private names that this needs are
listed in tests/media/test_aiortc.py, which says what an upgrade has broken.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aioice.ice import CandidatePair

from server.media.counters import MediaCounters
from server.media.guard import Kind, RateLimit, is_rtcp, kind_of, names, transaction_of

MAX_FAULTS_PER_S = 10
"""DTLS records that may raise; a transport that raises again and again is broken, and ends."""
MAX_DATAGRAM_BYTES = 2048
"""More than any link carries in one piece; asyncio's own buffer of 256 KiB is made anew for each datagram."""
_CHECKED = (CandidatePair.State.IN_PROGRESS, CandidatePair.State.SUCCEEDED)

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Who gets what is authentic. Called on the loop; never waits."""

    def receive_rtp(self, data: bytes, now_s: float) -> None: ...
    def receive_rtcp(self, data: bytes, now_s: float) -> None: ...


class MediaTransport:
    """One DTLS transport of aiortc's, and the sockets below it."""

    def __init__(self, dtls: Any, receiver: Receiver, counters: MediaCounters) -> None:
        """To be made before candidates are gathered: from then on nothing gets in but by the guard."""
        self._dtls = dtls
        self._ice = dtls.transport._connection
        self._receiver = receiver
        self._counters = counters
        self._control_rate, self._sound_rate = RateLimit(), RateLimit()  # a flood of forgeries starves no sound
        self._faults = RateLimit(MAX_FAULTS_PER_S, MAX_FAULTS_PER_S)
        self._user = self._ice.local_username.encode()
        self._peer: Any = None
        """The address that the last valid datagram came from."""
        self._loop = asyncio.get_running_loop()
        self._ice.data_received = self._refuse
        dtls._recv_next = self._surviving(dtls._recv_next)

    def guard(self) -> None:
        """Stand in front of every socket that was gathered."""
        for protocol in self._ice._protocols:
            protocol.datagram_received = self._guarding(protocol)
            if hasattr(protocol.transport, "max_size"):
                protocol.transport.max_size = MAX_DATAGRAM_BYTES

    def send_rtp(self, packet: bytes) -> None:
        """Nothing is sent while there is no connection."""
        if self._dtls._tx_srtp is not None:
            self._send(self._dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        if self._dtls._tx_srtp is not None:
            self._send(self._dtls._tx_srtp.protect_rtcp(packet))

    def _send(self, data: bytes) -> None:
        pair = self._ice._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def _guarding(self, protocol: Any) -> Callable[[bytes, tuple[Any, ...]], None]:
        """→ what the socket calls in place of aioice's own method."""
        stun = type(protocol).datagram_received

        def datagram_received(data: bytes, address: tuple[Any, ...]) -> None:
            try:
                self._admit(protocol, stun, data, address[:2])
            except Exception:  # one datagram never ends a call
                self._counters.malformed += 1
                log.debug("x datagram of %d bytes", len(data), exc_info=True)

        return datagram_received

    def _admit(self, protocol: Any, stun: Callable[..., None], data: bytes, address: tuple[Any, ...]) -> None:
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
        elif not self._control_rate.admits(self._loop.time()):
            counters.over_rate += 1
        elif kind is Kind.DTLS:
            self._ice._queue.put_nowait((data, 1))
        else:
            stun(protocol, data, address)

    def _knows(self, protocol: Any, address: tuple[Any, ...]) -> bool:
        """Whether ICE checks, or has checked, the way to this address."""
        if address == self._peer:
            return True
        for pair in self._ice._check_list:
            if pair.protocol is protocol and pair.remote_addr == address and pair.state in _CHECKED:
                if pair.state is CandidatePair.State.SUCCEEDED:
                    self._peer = address
                return True
        return False

    def _expects(self, protocol: Any, data: bytes) -> bool:
        """Whether STUN from somewhere new is a check for us, or the answer to one of ours."""
        transaction = transaction_of(data)
        return names(data, self._user) if transaction is None else transaction in protocol.transactions

    def _receive_srtp(self, data: bytes, now_s: float) -> None:
        srtp = self._dtls._rx_srtp
        if srtp is None:
            return
        control = is_rtcp(data)
        try:
            plain = srtp.unprotect_rtcp(data) if control else srtp.unprotect(data)
        except Exception:
            self._counters.unauthentic += 1
            return
        if not self._sound_rate.admits(now_s):
            self._counters.over_rate += 1
            return
        (self._receiver.receive_rtcp if control else self._receiver.receive_rtp)(plain, now_s)

    def _refuse(self, data: bytes, component: int) -> None:
        """What aioice would pass on without having looked where it comes from."""
        self._counters.unvalidated += 1

    def _surviving(self, receive_next: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """→ the same, but what one DTLS record does to aiortc is counted and the next one may be good."""

        async def recv_next() -> None:
            try:
                await receive_next()
            except ConnectionError:
                raise
            except Exception:
                self._counters.malformed += 1
                if not self._faults.admits(self._loop.time()):
                    raise
                log.debug("x DTLS record", exc_info=True)

        return recv_next
