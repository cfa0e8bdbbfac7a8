"""The one transport that all sections of a call share (RFC 8843): ICE, DTLS on it, and SCTP on that, all by aiortc.

aiortc's RTCPeerConnection is not used. It cannot restart ICE, numbers codecs anew, refuses offers for lines that nobody
needs, and starts RTP of its own. Its parts are, each for itself, what a call needs.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceServer,
    RTCIceTransport,
    RTCSctpTransport,
)
from aiortc.rtcsctptransport import RTCSctpCapabilities
from OpenSSL.SSL import RECEIVED_SHUTDOWN

from server.errors import AntiphonError, PeerError
from server.media.offer import DataSection, Transport
from server.media.reach import GatherServer
from server.media.sections import NOT_VALID

log = logging.getLogger(__name__)


class BundleListener(Protocol):
    """Its methods are called on the loop, and must not wait."""

    def ice_found(self) -> None: ...  # ICE has found a way to the client
    def connected(self) -> None: ...  # DTLS has agreed on keys
    def gone(self) -> None: ...  # the transport has failed, or the client has closed it


class Bundle:
    """The transport of one call. `gather`, `take_roles`, then `start`, and `close` at the end."""

    def __init__(self, servers: Sequence[GatherServer], listener: BundleListener) -> None:
        self._listener = listener
        gatherer = RTCIceGatherer([RTCIceServer(s.url, s.username, s.credential) for s in servers])
        self.ice: Any = RTCIceTransport(gatherer)
        self.dtls: Any = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.sctp: Any = None
        """None while the client has no data section."""
        self._data: DataSection | None = None
        self._setting_up: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self.ice.on("statechange", self._on_ice)
        self.dtls.on("statechange", self._on_dtls)

    @property
    def agent(self) -> Any:
        """aioice's connection."""
        return self.ice._connection

    @property
    def state(self) -> str:
        """new, connecting, connected, failed or closed."""
        states = {self.ice.state, self.dtls.state}
        for state in ("closed", "failed"):
            if state in states:
                return state
        if self._closing is not None:
            return "closed"
        return "connected" if self.dtls.state == "connected" else "connecting" if self._setting_up else "new"

    @property
    def closed_by_client(self) -> bool:
        """The client has closed the connection itself, and told so by DTLS (close_notify)."""
        return self.dtls._ssl is not None and bool(self.dtls._ssl.get_shutdown() & RECEIVED_SHUTDOWN)

    @property
    def setup(self) -> str:
        """Our part in DTLS, as an answer names it (RFC 8842)."""
        return "passive" if self.dtls._role == "server" else "active"

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        """Those of our certificate: pairs of a hash function and a fingerprint."""
        return tuple((print_.algorithm, print_.value) for print_ in self.dtls.getLocalParameters().fingerprints)

    async def gather(self) -> None:
        """Bind our sockets. Raises what `Ice` raises, and PeerError."""
        try:
            await self.ice.iceGatherer.gather()
        except AntiphonError:
            raise
        except Exception as exc:  # aiortc raises exceptions of any type for an offer that it does not expect
            raise PeerError(f"{NOT_VALID}.") from exc

    def take_roles(self, client: Transport, offered: bool) -> None:
        """Take the roles that the client leaves us. Whoever has `offered`, we or the client, controls ICE (RFC 8445,
        section 6.1.1)."""
        self.agent.ice_controlling = offered or client.lite
        self.dtls._set_role("server" if client.setup == "active" else "client")

    def carry(self, data: DataSection, guard: Callable[[Any], None]) -> None:
        """Carry a data channel, too. `guard` is given aiortc's SCTP transport before anything comes to it."""
        self._data = data
        self.sctp = RTCSctpTransport(self.dtls)
        guard(self.sctp)
        if self.dtls.state == "connected":
            self._run(self._start_sctp(), "sctp")

    def start(self, client: Transport) -> None:
        """Begin to connect."""
        self._run(self._connect(client), "bundle")

    async def close(self) -> None:
        """End the connection and free its sockets, also if we are cancelled meanwhile. Idempotent."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="bundle-close")
        await asyncio.shield(self._closing)

    def _run(self, work: Any, name: str) -> None:
        before = self._setting_up
        assert before is None or before.done(), "because SCTP is only started later when all else stands"
        self._setting_up = asyncio.get_running_loop().create_task(work, name=name)

    async def _connect(self, client: Transport) -> None:
        """The steps of the set-up. Each has a deadline, which the owner of this transport watches."""
        try:
            await self.ice.start(RTCIceParameters(client.ufrag, client.password, iceLite=client.lite))
            if self.ice.state != "completed":
                return
            prints = [RTCDtlsFingerprint(algorithm=name, value=value) for name, value in client.fingerprints]
            await self.dtls.start(RTCDtlsParameters(fingerprints=prints))
            if self.dtls.state == "connected":
                await self._start_sctp()
        except Exception:  # aiortc raises exceptions of any type for a client that it does not expect
            log.info("x cannot set the connection up", exc_info=True)
            self._listener.gone()

    async def _start_sctp(self) -> None:
        if self.sctp is not None and self._data is not None:
            try:
                longest = RTCSctpCapabilities(maxMessageSize=self._data.max_message_bytes)
                await self.sctp.start(longest, self._data.port)
            except ConnectionError:
                self._listener.gone()

    async def _close(self) -> None:
        if self.sctp is not None:
            await self.sctp.stop()
        await self.dtls.stop()
        await self.ice.stop()
        if self._setting_up is not None:
            self._setting_up.cancel()
            await asyncio.wait({self._setting_up})
        self.ice.remove_all_listeners()
        self.dtls.remove_all_listeners()

    # Called by aiortc

    def _on_ice(self) -> None:
        if self._closing is not None:
            return
        if self.ice.state == "completed":
            self._listener.ice_found()
        elif self.ice.state in ("failed", "closed"):
            self._listener.gone()

    def _on_dtls(self) -> None:
        if self._closing is not None:
            return
        if self.dtls.state == "connected":
            self._listener.connected()
        elif self.dtls.state in ("failed", "closed"):
            self._listener.gone()
