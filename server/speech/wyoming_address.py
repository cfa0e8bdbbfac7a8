"""A Wyoming server: where it listens, what it says of itself, and its events.

One connection serves one attempt at one utterance, because many servers hang up after a transcript; a local connection
costs less than a millisecond and is made when the utterance begins, so none are kept.
Source: https://github.com/OHF-Voice/wyoming.
"""

import asyncio
import io
import logging
from collections.abc import Callable
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
ASK_AGAIN_S = 15.0
"""A server that was down when we started is used by calls soon after it is up, and not kept busy until then."""
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


class Inquiry:
    """Hands to `take` what the server says of itself, as soon as it says anything."""

    def __init__(self, address: Address, take: Callable[[Info], None]) -> None:
        self._address = address
        self._take = take
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Once now; a server that says nothing in time is asked again and again, until `close`."""
        if (why_not := await self._ask()) and self._asking is None:
            log.warning("%s server does not say which languages it knows: %s", self._address.stage, why_not)
            self._asking = asyncio.create_task(self._ask_again(), name="wyoming inquiry")

    async def close(self) -> None:
        """Idempotent."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _ask_again(self) -> None:
        silent = True
        while silent:
            await asyncio.sleep(ASK_AGAIN_S)
            silent = bool(await self._ask())
        log.info("%s server has said which languages it knows", self._address.stage)

    async def _ask(self) -> str:
        """Why it did not say; "" when it did."""
        try:
            async with asyncio.timeout(DESCRIBE_S):
                self._take(await _describe(self._address))
        except EngineError as error:
            return str(error)
        except LOST as exc:  # TimeoutError is an OSError
            return type(exc).__name__
        return ""


async def _describe(address: Address) -> Info:
    reader, writer = await address.connect()
    try:
        writer.write(packed(Describe()))
        while not Info.is_type((event := await next_event(reader, address.stage)).type):
            pass
        return Info.from_event(event)
    finally:
        writer.transport.abort()


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
