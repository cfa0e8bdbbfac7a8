"""A frail way to a server: a TCP proxy on 127.0.0.1 that cuts its connections off or goes silent when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FrailProxy:
    """`url` leads to the server. `connections` counts how often somebody has connected."""

    def __init__(self, host: str, port: int) -> None:
        self.url = ""
        self.connections = 0
        self._host, self._port = host, port
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End all connections at once, without a word. Others may be made."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    def lead_to(self, port: int) -> None:
        """Lead new connections to another server, or to none if `port` is 0. The present ones stay."""
        self._port = port

    def go_silent(self) -> None:
        """Pass nothing on any more from the server, on the connections that are there now."""
        self._silent |= {client for client, _ in self._pairs}

    async def close(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self.connections += 1
        if not self._port:
            client.transport.abort()
            return
        from_server, server = await asyncio.open_connection(self._host, self._port)
        self._pairs.add((client, server))
        for source, sink in ((reader, server), (from_server, client)):
            task = asyncio.create_task(self._pass_on(source, sink), name="frail-proxy")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                if sink not in self._silent:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


@asynccontextmanager
async def frail_proxy(url: str) -> AsyncIterator[FrailProxy]:
    """A proxy to the server at this URL, whose path its own URL has, too."""
    scheme, _, rest = url.partition("://")
    address, _, path = rest.partition("/")
    host, _, port = address.partition(":")
    proxy = FrailProxy(host, int(port))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/{path}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
