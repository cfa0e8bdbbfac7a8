"""A backend of HAProxy, whose servers are the workers. They come and go without a restart."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from server.call.desk.ids import WORKER
from server.cluster.announcement import Announcement
from server.cluster.door.runtime import Runtime
from server.cluster.door.servers import EXPECTED, Server, commands, removal

RESOLVE_S = 1.0
"""How long DNS may take, for a worker that announces a name in place of an address."""
AT_ONCE = 50
"""How many servers change by one message to HAProxy, which has to fit into its buffer: 10 KB."""

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
        present = {name: server for name, server in found.items() if server is not None}
        gone = [name for name in self._servers if name not in present]
        await self._set(present | {name: replace(self._servers[name], state="maint") for name in gone})
        for name in gone:
            with suppress(ConnectionError):  # it still has connections, which go on
                await self._runtime.do(removal(f"{self._name}/{name}"), *EXPECTED)
                del self._servers[name]

    def has(self, name: str) -> bool:
        """Whether the worker of this name is one of the servers."""
        return name in self._servers

    async def _set(self, wanted: Mapping[str, Server]) -> None:
        """Make the servers what is wanted, many at a time: a cluster may have a thousand workers."""
        changed = [(name, server) for name, server in wanted.items() if self._servers.get(name) != server]
        for first in range(0, len(changed), AT_ONCE):
            some = changed[first : first + AT_ONCE]
            orders = [
                order
                for name, server in some
                for order in commands(f"{self._name}/{name}", self._servers.get(name), server)
            ]
            await self._runtime.do("; ".join(orders), *EXPECTED)
            self._servers.update(some)

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
