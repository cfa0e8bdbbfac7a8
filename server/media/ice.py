"""The one file that knows aioice: one call's ICE agent, gathering where we say and contacting whom we say.

What it changes of aioice 0.13 by private names is guarded by tests/media/test_set_up.py: host candidates are gathered
here, because aioice binds any port of any address. The end of candidates is never told to it: it would fail a call
whose caller is known only when its checks arrive (RFC 8863), and the set-up has a deadline of its own.
"""

import asyncio
import errno
import ipaddress
import logging
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aioice
import aioice.candidate
import aioice.ice
import aioice.stun

from server.errors import AtCapacity, ConfigError
from server.media import candidates
from server.media.reach import Reach

GATHER_S = 2.0
"""An answer waits so long for STUN and TURN servers, and goes without what has not come."""
RECEIVE_BUFFER_BYTES = 256 * 1024
"""Of the kernel, for each socket: five seconds of packets, of which the jitter buffer wants far less."""
MAX_REMOTE = candidates.MAX_CONTACTED + 16
"""Addresses of the caller, those included that its checks come from: whoever knows a call's password could send them
from any address, and have us answer there with checks of our own."""
RETRY_AFTER_S = 5
_HIDDEN = {4: "0.0.0.0", 6: "::"}
"""In place of the address behind a candidate (RFC 8839, section 5.1): it is nobody's business."""

log = logging.getLogger(__name__)


class Ice:
    """One aioice connection, as we want it. `on_answer` is called whenever the caller has answered `ask`."""

    def __init__(self, connection: Any, reach: Reach, on_answer: Callable[[], None]) -> None:
        self._connection = connection
        self._reach = reach
        self._on_answer = on_answer
        self._relayed = connection.get_component_candidates
        self._asking: set[asyncio.Task[None]] = set()
        connection.get_component_candidates = self._gather
        self._check_incoming = connection.check_incoming
        connection.check_incoming = self._incoming

    async def add(self, candidate: candidates.Candidate) -> None:
        """Begin to check an address of the caller."""
        await self._connection.add_remote_candidate(aioice.Candidate.from_sdp(candidate.to_sdp()))

    def ask(self) -> None:
        """Send the caller a STUN check, which it answers if it is there (RFC 7675, section 5.1)."""
        task = asyncio.get_running_loop().create_task(self._ask(), name="ice-ask")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def close(self) -> None:
        """Ask no more. The connection itself is closed by its owner."""
        for task in self._asking:
            task.cancel()

    async def _ask(self) -> None:
        agent = self._connection
        for pair in tuple(agent._nominated.values()):
            request = agent.build_request(pair, nominate=False)
            key = agent.remote_password.encode("utf8")
            with suppress(aioice.stun.TransactionError):
                await pair.protocol.request(request, pair.remote_addr, integrity_key=key, retransmissions=1)
                self._on_answer()

    def _incoming(self, message: Any, address: tuple[str, int], protocol: Any) -> None:
        """In place of aioice's own, which takes a check from ever more addresses."""
        known = self._connection._remote_candidates
        if len(known) < MAX_REMOTE or any((c._network_host, c.port) == address for c in known):
            self._check_incoming(message, address, protocol)

    async def _gather(self, component: int, addresses: object, timeout: float = GATHER_S) -> list[aioice.Candidate]:
        """In place of aioice's own. Raises AtCapacity when all ports are taken, ConfigError when no address is ours."""
        sockets = [await self._open(component, address) for address in self._addresses()]
        bound = [protocol for protocol in sockets if protocol is not None]
        if not bound:
            raise ConfigError("none of the media addresses can be bound: see ANTIPHON_MEDIA_ADDRESSES")
        found = [self._advertised(protocol.local_candidate) for protocol in bound]
        others = await asyncio.gather(self._relay(component), *(self._reflexive(protocol) for protocol in bound))
        known = {(candidate.host, candidate.port) for candidate in found}
        return found + [_without_base(c) for group in others for c in group if (c.host, c.port) not in known]

    def _addresses(self) -> list[str]:
        if self._reach.addresses:
            return list(self._reach.addresses)
        found = [a for a in aioice.ice.get_host_addresses(True, True) if not ipaddress.ip_address(a).is_link_local]
        return [*found, *(["127.0.0.1"] if self._reach.loopback else [])]

    async def _open(self, component: int, address: str) -> Any:
        """A socket with its host candidate; None for an address that this machine does not have."""
        try:
            bound = _bind(address, self._reach.ports)
        except OSError as exc:
            log.warning("x cannot bind media to %s: %s", address, exc)
            return None
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: aioice.ice.StunProtocol(self._connection), sock=bound
        )
        self._connection._protocols.append(protocol)
        host, port = bound.getsockname()[:2]
        protocol.local_candidate = aioice.Candidate(
            foundation=aioice.candidate.candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=aioice.candidate.candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        return protocol

    def _advertised(self, own: aioice.Candidate) -> aioice.Candidate:
        """The candidate as the caller reads it: behind 1:1 NAT, at the public address and the same port."""
        public = self._reach.public_address
        if not public or (":" in public) != (":" in own.host):
            return own
        return aioice.Candidate(own.foundation, own.component, own.transport, own.priority, public, own.port, own.type)

    async def _relay(self, component: int) -> list[aioice.Candidate]:
        """Our address at the TURN server; nothing if it does not give one in time. aioice does not tell why."""
        found: list[aioice.Candidate] = await self._relayed(component, [], GATHER_S)
        if self._connection.turn_server and not found:
            log.warning("x TURN server gives no relay: it does not answer, or takes no ANTIPHON_TURN_SECRET of ours")
        return found

    async def _reflexive(self, protocol: Any) -> list[aioice.Candidate]:
        """Our address as the STUN server sees it (IPv4, as aioice); nothing if it does not answer in time."""
        if not self._connection.stun_server or ":" in protocol.local_candidate.host:
            return []
        try:
            async with asyncio.timeout(GATHER_S):
                found, _ = await aioice.ice.server_reflexive_candidate(protocol, self._connection.stun_server)
        except (TimeoutError, OSError, KeyError, aioice.stun.TransactionError) as exc:
            log.warning("x STUN server does not answer: %s", type(exc).__name__)
            return []
        return [found]


def _without_base(candidate: aioice.Candidate) -> aioice.Candidate:
    if candidate.related_address is not None:
        candidate.related_address = _HIDDEN[ipaddress.ip_address(candidate.host).version]
        candidate.related_port = 9
    return candidate


def _bind(address: str, ports: range) -> socket.socket:
    """A UDP socket on a port of the range, or any. Raises AtCapacity when all are taken, OSError for anything else."""
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        start = random.randrange(len(ports)) if ports else 0
        for port in [*ports[start:], *ports[:start]] or [0]:
            if _takes(opened, address, port):
                return opened
        raise AtCapacity("All lines are busy. Please call again in a moment.", RETRY_AFTER_S)
    except BaseException:
        opened.close()
        raise


def _takes(opened: socket.socket, address: str, port: int) -> bool:
    """Bind it; False when somebody has the port."""
    try:
        opened.bind((address, port))
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        return False
    return True
