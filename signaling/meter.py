"""Meter: counts the bytes that come on the connection of a WebSocket.

aiohttp stops reading while 128 KB of messages wait. So a client whose messages are taken at a limited rate cannot send
more than that. But a message in endless pieces never becomes a message, and aiohttp reads on, as fast as they come.
"""

import asyncio
from typing import cast

from server.pace import Pace

BYTES_A_SECOND = 512 * 1024
"""How many bytes may come each second. Sound at 48 kHz is read at 288 KB a second: three times its real pace."""
BYTES_AT_ONCE = 1024 * 1024
"""How many bytes may come at once after a rest. The buffers that are filled then hold about 300 KB."""


class Meter(asyncio.Protocol):
    """Stands between a transport and the protocol that reads from it, and lets nothing pass any more when it is
    `flooded`."""

    def __init__(
        self, transport: asyncio.Transport, bytes_a_second: float = BYTES_A_SECOND, bytes_at_once: float = BYTES_AT_ONCE
    ) -> None:
        """Begin to count what comes on `transport`."""
        self.flooded = False
        """Too much has come."""
        self._transport = transport
        self._protocol = cast(asyncio.Protocol, transport.get_protocol())
        self._pace = Pace(bytes_a_second, bytes_at_once)
        self._now = asyncio.get_running_loop().time
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self.flooded = self.flooded or not self._pace.admits(self._now(), len(data))
        if self.flooded:
            self._transport.pause_reading()
        else:
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
