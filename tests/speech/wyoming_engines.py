"""A Wyoming server around engines that count what they do, and its clients."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncUnixClient
from wyoming.event import Event, Eventable

from server.speech import wyoming_server

SLICE = bytes(3200)
START = AudioStart(16_000, 2, 1)


class Counting:
    """An engine whose words count the slices that it was fed. `log` has the order of its calls."""

    name, languages = "counting", ("en", "pt-BR")

    def __init__(self) -> None:
        self.log: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self.discarded = threading.Event()

    def start(self, phrases: Sequence[str], language: str, others: Sequence[str] = ()) -> "CountingRecognition":
        return CountingRecognition(self, " ".join(filter(None, [*phrases, language, "/".join(others)])))


class CountingRecognition:
    language = "pt-BR"

    def __init__(self, engine: Counting, name: str) -> None:
        self.engine, self.name, self.count = engine, name, 0

    def feed(self, pcm: bytes) -> str | None:
        self.engine.started.set()
        self.engine.gate.wait()
        self.engine.log.append(f"{self.name} feed")
        if pcm.startswith(b"bad"):
            raise RuntimeError("what somebody said")
        self.count += 1
        return {1: "one", 2: "one two", 3: "won too"}.get(self.count)

    def finish(self) -> str:
        self.engine.log.append(f"{self.name} finish")
        return f"{self.name} {self.count}".strip()

    def discard(self) -> None:
        self.engine.discarded.set()


class Humming:
    """An engine that speaks one chunk for each word."""

    name, rate, languages = "humming", 16_000, ("en", "pt-BR")

    def __init__(self) -> None:
        self.made = 0

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        self.voice = voice
        for _ in text.split():
            self.made += 1
            yield bytes(20_000)


@contextlib.asynccontextmanager
async def serving(engine: object, directory: Path) -> AsyncIterator[Path]:
    path, end, ready = directory / "socket", asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wyoming_server.serve(engine, path, end, lambda _: ready.set()))
        await ready.wait()
        try:
            yield path
        finally:
            end.set()
    assert not path.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("engine")]


async def say(client: AsyncUnixClient, *said: Eventable) -> None:
    for each in said:
        await client.write_event(each.event())


async def hear(client: AsyncUnixClient) -> Event:
    async with asyncio.timeout(10):
        event = await client.read_event()
    assert event is not None
    return event


async def hear_until(client: AsyncUnixClient, kind: type[Eventable]) -> list[Event]:
    events = [await hear(client)]
    while not kind.is_type(events[-1].type):
        events.append(await hear(client))
    return events


def chunk(pcm: bytes = SLICE) -> AudioChunk:
    return AudioChunk(16_000, 2, 1, pcm)
