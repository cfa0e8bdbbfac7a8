"""AudioSocketPort: listens for the TCP connections of AudioSocket. Whoever reaches this port may call."""

import asyncio
import os
from typing import Protocol

from server.call.caller import Caller
from server.call.line.telephone import Arrival
from server.errors import ConfigError
from server.pace import Pace
from signaling.meter import BYTES_A_SECOND, BYTES_AT_ONCE
from signaling.telephony.audiosocket import AudioSocket

READ_BYTES = 4_096
READS_A_SECOND = 200
"""How often in a second is read: Asterisk sends 50 pieces of sound."""
LIFE_S = 1.0
"""How often a connection that stands counts as a sign of life. AudioSocket has no ping, and a muted telephone may send
nothing; what Asterisk does not acknowledge any more ends the connection."""


class TcpCalls(Protocol):
    """Serves the calls that come by telephone lines."""

    async def serve(self, arrival: Arrival, socket: "TcpSocket") -> None:
        """Serve one call until it is over."""


class TcpSocket:
    """A TCP connection, as calls use it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hung_up = False
        self.flooded = False
        """The other side has sent so much that nothing more is read from it."""
        self._reader = reader
        self._writer = writer
        self._reads = Pace(READS_A_SECOND, READS_A_SECOND)
        self._bytes = Pace(BYTES_A_SECOND, BYTES_AT_ONCE)
        self._now = asyncio.get_running_loop().time

    async def receive(self) -> str | bytes | None:
        """The next bytes; b"" if none have come for a while. None when the connection is closed."""
        await asyncio.sleep(self._reads.reserve(self._now()))
        try:
            async with asyncio.timeout(LIFE_S):
                data = await self._reader.read(READ_BYTES)
        except TimeoutError:
            return b""
        except ConnectionError:
            return None
        self.flooded = self.flooded or not self._bytes.admits(self._now(), len(data))
        self.hung_up = not data
        return data or None

    async def send(self, item: str | bytes) -> None:
        self._writer.write(item if isinstance(item, bytes) else item.encode())
        await self._writer.drain()

    async def ping(self) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError

    async def close(self, reason: str) -> None:
        self._writer.close()


class AudioSocketPort:
    """The port, while it is open."""

    def __init__(self, calls: TcpCalls, host: str, port: int) -> None:
        self._calls = calls
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def open(self) -> None:
        """Listen from now on. Raises ConfigError when the port cannot be used."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
        except OSError as exc:
            reason = os.strerror(exc.errno).lower() if exc.errno and exc.errno > 0 else str(exc)
            raise ConfigError(f"cannot listen on {self._host}:{self._port}: {reason}") from exc

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            arrival = Arrival("audiosocket", Caller(), AudioSocket(), trusted=True)
            await self._calls.serve(arrival, TcpSocket(reader, writer))
        finally:
            writer.close()
