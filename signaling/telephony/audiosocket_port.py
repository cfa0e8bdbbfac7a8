"""AudioSocketPort: listens for the TCP connections of AudioSocket. Whoever reaches this port may call."""

import asyncio
import os
import socket
from typing import Protocol

from server.call.caller import Caller
from server.call.line.telephone import Arrival
from server.errors import ConfigError
from server.pace import Pace
from signaling.meter import BYTES_A_SECOND, BYTES_AT_ONCE
from signaling.telephony.audiosocket import AudioSocket
from signaling.websocket import limit_buffers

HEADER_BYTES = 3
MESSAGES_A_SECOND = 200
"""How many messages are read in a second: Asterisk sends 50 pieces of sound. The rest waits in the socket."""
SEND_BUFFER_BYTES, UNSENT_BYTES = 16 * 1024, 4 * 1024
"""How much may wait in the kernel, and here, for an Asterisk that reads slowly. Sound beyond it is dropped, because the
caller would hear it too late."""
LIFE_S = 1.0
"""How often a connection that stands counts as a sign of life. AudioSocket has no ping, and a muted telephone may send
nothing."""
GONE_MS = 10_000
"""How long Asterisk may leave unacknowledged what it was sent, which is sound or silence in each second. Then the
connection is lost; the kernel itself would wait for a quarter of an hour."""


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
        self._header = b""
        """That of the message of which the rest has not come yet."""
        self._messages = Pace(MESSAGES_A_SECOND, MESSAGES_A_SECOND)
        self._bytes = Pace(BYTES_A_SECOND, BYTES_AT_ONCE)
        self._now = asyncio.get_running_loop().time
        _end_when_gone(writer)
        limit_buffers(writer.transport, SEND_BUFFER_BYTES, UNSENT_BYTES)

    async def receive(self) -> str | bytes | None:
        """The next message; b"" if none has come for a while. None when the connection is closed.

        Other calls get a turn between two of them, however many come at once.
        """
        await asyncio.sleep(self._messages.reserve(self._now()))
        try:
            async with asyncio.timeout(LIFE_S) as wait:
                message = await self._message()
        except asyncio.IncompleteReadError:
            self.hung_up = True
            return None
        except (
            OSError
        ):  # the end of the wait, too; and the kernel has a TimeoutError of its own for a peer that is gone
            return b"" if wait.expired() else None
        self.flooded = self.flooded or not self._bytes.admits(self._now(), len(message))
        return message

    async def _message(self) -> bytes:
        """Read a whole message. One of which the wait for the rest is cancelled is read by the next call."""
        self._header = self._header or await self._reader.readexactly(HEADER_BYTES)
        payload = await self._reader.readexactly(int.from_bytes(self._header[1:]))
        message, self._header = self._header + payload, b""
        return message

    async def send(self, item: str | bytes) -> None:
        self._writer.write(item if isinstance(item, bytes) else item.encode())
        try:
            await self._writer.drain()
        except OSError as exc:  # not each of them is a ConnectionError
            raise ConnectionResetError from exc

    async def ping(self) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError

    async def close(self, reason: str) -> None:
        self._writer.close()


def _end_when_gone(writer: asyncio.StreamWriter) -> None:
    raw, option = writer.get_extra_info("socket"), getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    if raw is not None and option is not None:
        raw.setsockopt(socket.IPPROTO_TCP, option, GONE_MS)


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
