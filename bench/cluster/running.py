"""What the measurements of the cluster run: a worker that echoes, a Redis, and the door."""

import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from redis.asyncio import Redis

from server.cluster.announcement import Announcement
from server.cluster.door.configuration import DoorSettings
from server.cluster.door.door import Door
from server.cluster.roster import EXPIRY_S, Roster
from tests.redis_server import redis_server


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@contextmanager
def echo_worker() -> Iterator[str]:
    """The address of a worker that echoes, in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "bench.cluster.echo"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def roster() -> AsyncIterator[Roster]:
    """A roster in a Redis of its own."""
    with tempfile.TemporaryDirectory() as directory, redis_server(Path(directory)) as server:
        redis = Redis.from_url(server.url, decode_responses=True)
        try:
            yield Roster(redis)
        finally:
            await redis.aclose()


@asynccontextmanager
async def door(worker_url: str) -> AsyncIterator[Door]:
    """The door in front of one worker."""
    async with roster() as workers:
        worker = Announcement("w1", worker_url, "here", 1, "1.0", 0, "ready", "", 0, 0, 1000)
        announcing = asyncio.create_task(_announce(workers, worker), name="announce")
        opened = Door(workers, DoorSettings(port=free_port()))
        try:
            await workers.announce(worker)
            await opened.start()
            yield opened
        finally:
            await opened.close()
            announcing.cancel()


async def _announce(workers: Roster, worker: Announcement) -> None:
    while True:
        await workers.announce(worker)
        await asyncio.sleep(EXPIRY_S / 4)
