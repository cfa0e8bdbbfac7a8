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
from server.cluster.door.servers import EXPECTED, Server, State, commands, removal

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
        self._troubles: dict[str, str] = {}
        """What is wrong with the addresses of workers, by their names. It is logged once."""

    async def update(self, workers: Iterable[Announcement]) -> None:
        """Tell HAProxy which workers there are now. Raises OSError when it does not take it."""
        named = [worker for worker in workers if WORKER.fullmatch(worker.name)]
        found = await asyncio.gather(*map(self._server, named))
        present = {worker.name: server for worker, server in zip(named, found, strict=True) if server is not None}
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
        state: State = "ready" if worker.state == "ready" else "drain"
        known = self._servers.get(worker.name)
        try:
            url = urlsplit(self._url_of(worker))
            if url.scheme != "http" or not url.hostname:
                raise ValueError("it has to begin with http://")
            addresses, port = await _addresses(url.hostname), url.port or 80
        except (ValueError, OSError) as exc:
            if self._troubles.get(worker.name) != str(exc):
                self._troubles[worker.name] = str(exc)
                log.warning("x worker %s has an address that the door cannot use: %s", worker.name, exc)
            if isinstance(exc, ValueError) or known is None:
                return None
            return replace(known, state=state)  # DNS fails, and the worker is most likely where it was
        self._troubles.pop(worker.name, None)
        stays = known is not None and known.host in addresses  # a name may have several addresses, in any order
        return Server(known.host if known and stays else addresses[0], port, state)


async def _addresses(host: str) -> list[str]:
    """The IP addresses of a host. Raises OSError."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [str(each[4][0]) for each in found]
