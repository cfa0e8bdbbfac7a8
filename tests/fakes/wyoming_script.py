"""A scripted Wyoming server, and scripts for everything that servers do wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event

SECOND = bytes(32_000)


@dataclass
class Talk:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""
    asked: Transcribe = field(default_factory=Transcribe)

    async def hear(self, kind: type[Eventable]) -> Event:
        """Read until an event of this kind, and keep the sound that comes before it in `heard`.

        Raises EOFError when the client leaves.
        """
        while (event := await async_read_event(self.reader)) is not None:
            if AudioChunk.is_type(event.type):
                self.heard += AudioChunk.from_event(event).audio
            if Transcribe.is_type(event.type):
                self.asked = Transcribe.from_event(event)
            if kind.is_type(event.type):
                return event
        raise EOFError

    async def say(self, *said: Eventable) -> None:
        for each in said:
            await async_write_event(each.event(), self.writer)


@contextlib.asynccontextmanager
async def server(script: Callable[[Talk], Awaitable[None]], port: int = 0) -> AsyncIterator[str]:
    """Gives the URI of a server that runs `script` for each connection and hangs up when it returns."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError):
                await script(Talk(reader, writer))
            writer.close()

        listening = await asyncio.start_server(
            lambda reader, writer: tasks.create_task(client(reader, writer)) and None, "127.0.0.1", port
        )
        stack.callback(listening.close)
        yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def hang(talk: Talk) -> None:
    await talk.hear(Error)


async def fail(talk: Talk) -> None:
    await talk.say(Error("somebody said something", "broken"))
    await talk.hear(Error)


async def hang_up(talk: Talk) -> None:
    pass


def write(noise: bytes) -> Callable[[Talk], Awaitable[None]]:
    async def script(talk: Talk) -> None:
        talk.writer.write(noise)
        await talk.hear(Error)

    return script


NOISES = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[]\n", b"{}\n", b'{"type": "transcript"}\n', b"x" * 100_000]


WRONGS = [hang, fail, hang_up, *map(write, NOISES)]
