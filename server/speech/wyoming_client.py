"""What both Wyoming clients share: connect to a server, ask it to describe itself, read and write its events.

A connection serves one question only, because many servers hang up after a transcript. Connections are not kept: a
local connection costs less than a millisecond and is made when the utterance begins.
Source: https://github.com/OHF-Voice/wyoming.
"""

import asyncio
import io
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, write_event
from wyoming.info import Describe, Info

from server.errors import ConfigError, EngineError
from server.speech.protocols import CALL, HAS_SOUND, Asker

TRIES = 3
"""How many connections are made for one question. A worker may die, and a dying worker may still accept the second
connection. A fourth try does not help: what kills two workers kills the third."""
RETRY_S = 0.05
"""How long to wait before the next try, while a worker is replaced."""
DESCRIBE_S = 3.0
"""How long a server may take to describe itself. It needs milliseconds; a server that is down or does not know the
question must not delay the start."""
ASK_AGAIN_S = 15.0
"""How long to wait before a server that did not describe itself is asked again: calls can use it soon after it comes
up, and the questions cost little."""
LOST = (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError)
"""What reading from a server raises when the server goes away or does not speak Wyoming."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

log = logging.getLogger(__name__)


class Address:
    """Where a server listens: unix:///path or tcp://host:port. `stage` names the server in errors and logs."""

    def __init__(self, uri: str, connect_s: float, stage: str) -> None:
        """Raises ConfigError when `uri` has another form."""
        self._connect_s, self.stage = connect_s, stage
        parts = urlsplit(uri)
        self._path = parts.path if parts.scheme == "unix" else ""
        try:
            self._host, self._port = parts.hostname or "", parts.port or 0
        except ValueError as exc:
            raise ConfigError(f"{uri!r} has no valid port") from exc
        if not self._path and not (parts.scheme == "tcp" and self._host and self._port):
            raise ConfigError(f"{uri!r} is neither unix:///path nor tcp://host:port")

    @property
    def local(self) -> bool:
        """A worker of this server listens there."""
        return bool(self._path)

    async def connect(self) -> Streams:
        """Connect within `connect_s`, and wait that long for a local worker that is being replaced.

        Raises EngineError when the server cannot be reached in time.
        """
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


def queueing(asker: Asker, address: Address) -> dict[str, Any]:
    """What a worker of this server needs for a fair order, as a part of Wyoming's `context`. Other servers get none."""
    if not (address.local and asker.call):
        return {}
    return {CALL: asker.call} | ({HAS_SOUND: True} if asker.has_sound else {})


class InfoRequest:
    """Asks a server to describe itself, and gives its answer to `take`, when it comes."""

    def __init__(self, address: Address, take: Callable[[Info], None]) -> None:
        self._address = address
        self._take = take
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Ask once and wait for the answer. Without an answer, ask again in the background until `close`."""
        if (why_not := await self._ask()) and self._asking is None:
            log.warning("the %s server does not say which languages it knows: %s", self._address.stage, why_not)
            self._asking = asyncio.create_task(self._ask_again(), name="wyoming info request")

    async def close(self) -> None:
        """Stop asking; idempotent."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _ask_again(self) -> None:
        answered = False
        while not answered:
            await asyncio.sleep(ASK_AGAIN_S)
            answered = not await self._ask()
        log.info("the %s server now says which languages it knows", self._address.stage)

    async def _ask(self) -> str:
        """Returns "" after an answer, else why there was none."""
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


def packed(eventable: Eventable, more: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """The bytes of the event, as they are sent, with `more` data in it."""
    buffer, event = io.BytesIO(), eventable.event()
    event.data.update(more)
    write_event(event, buffer)
    return buffer.getvalue()


async def next_event(reader: asyncio.StreamReader, stage: str) -> Event:
    """Read one event.

    Raises EngineError when the server reports an error, EOFError when it has hung up, and one of LOST when it does not
    speak Wyoming.
    """
    event = await async_read_event(reader)
    if event is None:
        raise EOFError
    if Error.is_type(event.type):
        error = Error.from_event(event)
        log.warning("the %s server reports an error: %s", stage, error.text[:200])
        raise EngineError(stage, f"The {stage} server reports an error ({error.code or 'without a code'}).")
    return event
