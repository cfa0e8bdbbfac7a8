"""Adapts aioice, the ICE library: one call's ICE agent binds the addresses and ports that we choose, and contacts only
the candidates that we choose.

It replaces some private methods of aioice 0.13; tests/media/test_ice.py checks that they still exist. Host
candidates are gathered here, because aioice itself binds any port of any address.

aioice is never told that there are no more candidates. If it knew, it would fail a call whose client is known only
when its checks arrive (RFC 8863). The set-up of a call has its own deadline.
"""

import asyncio
import errno
import ipaddress
import logging
import random
import secrets
import socket
import string
from collections.abc import Callable, Coroutine
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
"""How long an answer waits for STUN and TURN servers. After it, the answer leaves without the candidates that have not
come."""
RECEIVE_BUFFER_BYTES = 256 * 1024
"""The size of the kernel's receive buffer of each socket: five seconds of packets. The jitter buffer needs far less."""
EXPEDITED_FORWARDING = 46 << 2
"""The mark of every datagram that we send (DSCP EF), as the byte in the IP header. Networks that know it let a call go
first (RFC 8837, section 5; RFC 3246). They are few, and the others ignore it."""
MAX_REMOTE = candidates.MAX_CONTACTED + 16
"""How many addresses of a client one call may have, including those that its checks come from. Without a limit, a
client that knows the call's password could send checks from many forged addresses, and we would send our own checks
there."""
RETRY_AFTER_S = 5
"""After how many seconds a client should call again, if all media ports are taken."""
CHECK_EVERY_S = 0.02
"""How far apart two checks of ours are after an ICE restart (RFC 8445, section 14.2)."""
_UNCHECKED = (aioice.ice.CandidatePair.State.FROZEN, aioice.ice.CandidatePair.State.WAITING)
_LETTERS = string.ascii_letters + string.digits
_HIDDEN = {4: "0.0.0.0", 6: "::"}
"""Written in place of the local address behind a candidate, its "related address" (RFC 8839, section 5.1). Clients need
not know that address."""

log = logging.getLogger(__name__)


class Ice:
    """Controls one aioice connection. Calls `on_answer` whenever the client has answered the check of `ask`."""

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
        """Begin to check an address of the client. One too many is not checked."""
        if len(self._connection._remote_candidates) < MAX_REMOTE:
            await self._connection.add_remote_candidate(aioice.Candidate.from_sdp(candidate.to_sdp()))
            self._check_anew()

    def restart(self, ufrag: str, password: str) -> None:
        """Take the client's new credentials, and give ourselves new ones, too (ICE restart; RFC 8445, section 9).

        Our sockets and candidates stay. Data goes by the old way until a check finds a new one.
        """
        agent = self._connection
        for pair in agent._check_list:
            if pair.task is not None:
                pair.task.cancel()
        for known in (agent._check_list, agent._remote_candidates, agent._nominating):
            known.clear()
        agent._local_username, agent._local_password = _random(4), _random(22)
        agent.remote_username, agent.remote_password = ufrag, password

    def ask(self) -> None:
        """Send the client a STUN check. It answers if it is still there (RFC 7675, section 5.1)."""
        self._run(self._ask(), "ice-ask")

    def close(self) -> None:
        """Cancel our own checks. The owner of the connection closes the connection itself."""
        for task in self._asking:
            task.cancel()

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _check_anew(self) -> None:
        """Check the addresses that are new since ICE was complete: aioice checks none after that."""
        if self._connection._check_list_done and not any(task.get_name() == "ice-check" for task in self._asking):
            self._run(self._check(), "ice-check")

    async def _check(self) -> None:
        agent = self._connection
        while new := [pair for pair in agent._check_list if pair.task is None and pair.state in _UNCHECKED]:
            agent.check_start_task(new[0])
            await asyncio.sleep(CHECK_EVERY_S)

    async def _ask(self) -> None:
        agent = self._connection
        for pair in tuple(agent._nominated.values()):
            request = agent.build_request(pair, nominate=False)
            key = agent.remote_password.encode("utf8")
            with suppress(aioice.stun.TransactionError):
                await pair.protocol.request(request, pair.remote_addr, integrity_key=key, retransmissions=1)
                self._on_answer()

    def _incoming(self, message: Any, address: tuple[str, int], protocol: Any) -> None:
        """Replaces aioice's `check_incoming`, which accepts checks from any number of addresses."""
        known = self._connection._remote_candidates
        if len(known) < MAX_REMOTE or any((c._network_host, c.port) == address for c in known):
            self._check_incoming(message, address, protocol)

    async def _gather(self, component: int, addresses: object, timeout: float = GATHER_S) -> list[aioice.Candidate]:
        """Replaces aioice's `get_component_candidates`: bind our sockets, and return all our candidates.

        Raises AtCapacity if all ports are taken, and ConfigError if this machine has none of the media addresses.
        """
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
        """Open a socket and make its host candidate. Returns None if this machine does not have the address."""
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
        """The candidate that the client is told. Behind 1:1 NAT it has the public address and the same port."""
        public = self._reach.public_address
        if not public or (":" in public) != (":" in own.host):
            return own
        return aioice.Candidate(own.foundation, own.component, own.transport, own.priority, public, own.port, own.type)

    async def _relay(self, component: int) -> list[aioice.Candidate]:
        """Our address at the TURN server. Empty if the server gives none in time; aioice does not tell why."""
        found: list[aioice.Candidate] = await self._relayed(component, [], GATHER_S)
        if self._connection.turn_server and not found:
            log.warning("x TURN server gives no relay: it does not answer, or it refuses our ANTIPHON_TURN_SECRET")
        return found

    async def _reflexive(self, protocol: Any) -> list[aioice.Candidate]:
        """Our address as the STUN server sees it. Empty if it does not answer in time. IPv4 only, as in aioice."""
        if not self._connection.stun_server or ":" in protocol.local_candidate.host:
            return []
        try:
            async with asyncio.timeout(GATHER_S):
                found, _ = await aioice.ice.server_reflexive_candidate(protocol, self._connection.stun_server)
        except (TimeoutError, OSError, KeyError, aioice.stun.TransactionError) as exc:
            log.warning("x STUN server does not answer: %s", type(exc).__name__)
            return []
        return [found]


def _random(length: int) -> str:
    """A new ICE user name or password."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _without_base(candidate: aioice.Candidate) -> aioice.Candidate:
    """Remove our own address behind the candidate."""
    if candidate.related_address is not None:
        candidate.related_address = _HIDDEN[ipaddress.ip_address(candidate.host).version]
        candidate.related_port = 9
    return candidate


def _bind(address: str, ports: range) -> socket.socket:
    """Open a UDP socket on a random free port of the range, or on any port if the range is empty.

    Raises AtCapacity if all ports of the range are taken, and OSError if the address cannot be bound.
    """
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        with suppress(OSError):  # without the mark, the call goes like all other traffic
            _mark(opened)
        start = random.randrange(len(ports)) if ports else 0
        for port in [*ports[start:], *ports[:start]] or [0]:
            if _takes(opened, address, port):
                return opened
        raise AtCapacity("All lines are busy. Please call again in a moment.", RETRY_AFTER_S)
    except BaseException:
        opened.close()
        raise


def _mark(opened: socket.socket) -> None:
    """Let the system mark all that leaves the socket. Raises OSError if it refuses."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED_FORWARDING)
    else:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED_FORWARDING)


def _takes(opened: socket.socket, address: str, port: int) -> bool:
    """Bind the socket. Returns False if the port is taken."""
    try:
        opened.bind((address, port))
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        return False
    return True
