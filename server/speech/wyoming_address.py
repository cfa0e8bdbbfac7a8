"""A Wyoming server: where it listens, what it says of itself, and its events.

One connection serves one attempt at one utterance, because many servers hang up after a transcript; a local connection
costs less than a millisecond and is made when the utterance begins, so none are kept.
Source: https://github.com/OHF-Voice/wyoming.
"""

import asyncio
import io
import logging
from urllib.parse import urlsplit

from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, write_event
from wyoming.info import Describe, Info

from server.errors import ConfigError, EngineError

LIVES = 3
"""Connections for one question: a worker may die, and a dying one may still accept the second. No more, because what
kills two workers kills the third."""
RETRY_S = 0.05
DESCRIBE_S = 3.0
"""A server describes itself in milliseconds; one that is down or does not know the question is not waited for."""
LOST = (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError)
"""What reading from a server raises when it goes away or does not speak Wyoming."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

log = logging.getLogger(__name__)


class Address:
    """Where a server listens."""

    def __init__(self, uri: str, connect_s: float, stage: str) -> None:
        """Raises ConfigError for a URI that is none of ours."""
        self._connect_s, self.stage = connect_s, stage
        parts = urlsplit(uri)
        self._path = parts.path if parts.scheme == "unix" else ""
        try:
            self._host, self._port = parts.hostname or "", parts.port or 0
        except ValueError as exc:
            raise ConfigError(f"{uri!r} has no valid port") from exc
        if not self._path and not (parts.scheme == "tcp" and self._host and self._port):
            raise ConfigError(f"{uri!r} is neither unix:///path nor tcp://host:port")

    async def connect(self) -> Streams:
        """A worker that is being replaced is waited for. Raises EngineError when nobody is there in time."""
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connect()
        except OSError as exc:
            raise EngineError(self.stage, f"The {self.stage} server cannot be reached.") from exc

    async def _connect(self) -> Streams:
        while self._path:
            try:
                return await asyncio.open_unix_connection(self._path)
            except (ConnectionRefusedError, FileNotFoundError):
                await asyncio.sleep(RETRY_S)
        return await asyncio.open_connection(self._host, self._port)


async def describe(address: Address) -> Info | None:
    """What the server says of itself; None when it says nothing in time."""
    try:
        async with asyncio.timeout(DESCRIBE_S):
            reader, writer = await address.connect()
            try:
                writer.write(packed(Describe()))
                while not Info.is_type((event := await next_event(reader, address.stage)).type):
                    pass
                return Info.from_event(event)
            finally:
                writer.transport.abort()
    except (*LOST, EngineError) as exc:  # TimeoutError is an OSError
        log.warning("%s server does not say which languages it knows: %s", address.stage, type(exc).__name__)
        return None


def packed(event: Eventable) -> bytes:
    buffer = io.BytesIO()
    write_event(event.event(), buffer)
    return buffer.getvalue()


async def next_event(reader: asyncio.StreamReader, stage: str) -> Event:
    """Raises EngineError when the server reports an error, EOFError at its end, and LOST for what is not Wyoming."""
    event = await async_read_event(reader)
    if event is None:
        raise EOFError
    if Error.is_type(event.type):
        error = Error.from_event(event)
        log.warning("%s server reports an error: %s", stage, error.text[:200])
        raise EngineError(stage, f"The {stage} server reports an error ({error.code or 'without a code'}).")
    return event
