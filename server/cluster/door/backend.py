"""A backend of HAProxy, whose servers are the workers. They come and go without a restart."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from server.call.desk.ids import WORKER
from server.cluster.announcement import Announcement
from server.cluster.door.runtime import Runtime
from server.cluster.door.servers import EXPECTED, Server, commands, removal

RESOLVE_S = 1.0
"""How long DNS may take, for a worker that announces a name in place of an address."""

log = logging.getLogger(__name__)


class Backend:
    """Knows which servers HAProxy has."""

    def __init__(self, runtime: Runtime, name: str, url_of: Callable[[Announcement], str]) -> None:
        self._runtime = runtime
        self._name = name
        self._url_of = url_of
        self._servers: dict[str, Server] = {}
        """By the names of the workers, with those that are gone, but still have connections."""

    async def update(self, workers: Iterable[Announcement]) -> None:
        """Tell HAProxy which workers there are now. Raises OSError when it does not take it."""
        found = {worker.name: await self._server(worker) for worker in workers if WORKER.fullmatch(worker.name)}
        for name, server in found.items():
            if server is not None:
                await self._set(name, server)
        for name in [name for name in self._servers if found.get(name) is None]:
            await self._leave(name)

    def has(self, name: str) -> bool:
        """Whether the worker of this name is one of the servers."""
        return name in self._servers

    async def _set(self, name: str, server: Server) -> None:
        for command in commands(f"{self._name}/{name}", self._servers.get(name), server):
            await self._runtime.do(command, *EXPECTED)
        self._servers[name] = server

    async def _leave(self, name: str) -> None:
        """Give the server nothing more, and forget it as soon as it has no connections."""
        await self._set(name, replace(self._servers[name], state="maint"))
        with suppress(ConnectionError):  # it has some
            await self._runtime.do(removal(f"{self._name}/{name}"), *EXPECTED)
            del self._servers[name]

    async def _server(self, worker: Announcement) -> Server | None:
        """The worker as a server. None if its address cannot be used."""
        try:
            url = urlsplit(self._url_of(worker))
            if url.scheme != "http" or not url.hostname:
                raise ValueError("it has to begin with http://")
            address = await _address(url.hostname)
            return Server(address, url.port or 80, "ready" if worker.state == "ready" else "drain")
        except (ValueError, OSError) as exc:
            log.warning("x worker %s has an address that the door cannot use: %s", worker.name, exc)
            return None


async def _address(host: str) -> str:
    """The IP address of a host. Raises OSError."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
