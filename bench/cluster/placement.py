"""Places offers over stand-in workers through the door, and says how evenly the calls lie.

The workers only count: each keeps a call for as long as its caller wants, and announces once a second how many it has.
So many offers come in a second that half a minute is many calls of each worker.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import ClientSession, web

from bench.cluster.running import free_port, roster
from server.cluster import roster as roster_file
from server.cluster.announcement import Announcement
from server.cluster.door.configuration import DoorSettings
from server.cluster.door.door import Door
from server.cluster.roster import EVERY_S, Roster

A_SECOND = 400
"""How many offers come in a second, if this machine takes them."""
AT_ONCE = 8
"""How many offers may be on their way at the same time."""
FORGOTTEN_S = 60.0
"""After how long a worker counts as gone that says nothing. On a busy machine all stand-ins wait for each other."""
SHORT_S, LONG_S, LONG_SHARE = 3.0, 20.0, 0.2
"""How long calls last on average (exponentially distributed), and how many of them are long."""
WARM_S = 8.0
"""How long it takes until as many calls end as begin, more or less."""


@dataclass
class Spread:
    """How evenly calls lie: the fullest worker, compared with the average one."""

    placed: float
    """Of all calls that were placed."""
    live: list[float] = field(default_factory=list)
    """Of those that lived, at each half second after the beginning."""
    average: float = 0.0
    """How many lived at one worker, on average."""

    def row(self, workers: int) -> str:
        worst = sorted(self.live)[int(len(self.live) * 0.95)] if self.live else float("nan")
        mean = sum(self.live) / len(self.live) if self.live else float("nan")
        return (
            f"{workers:3} workers: all calls {self.placed:+6.1%} | live calls (about {self.average:.0f} each): "
            f"mean {mean:+6.1%}, p95 {worst:+6.1%}"
        )


class _Worker:
    def __init__(self, name: str) -> None:
        self.about = Announcement(name, "", "here", 1, "1.0", 0, "ready", "", 0, 0, 100_000)
        self.placed = self.live = 0

    async def offer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.placed += 1
        self.live += 1
        asyncio.get_running_loop().call_later(body["lasts_s"], self._end)
        return web.json_response({})

    def _end(self) -> None:
        self.live -= 1

    async def announce(self, workers: Roster) -> None:
        await asyncio.sleep(random.random() * EVERY_S)
        while True:
            await workers.announce(replace(self.about, calls=self.live))
            await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def _running(worker: _Worker, workers: Roster) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_post("/api/offer", worker.offer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    worker.about = replace(worker.about, url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    await workers.announce(worker.about)
    announcing = asyncio.create_task(worker.announce(workers), name="announce")
    try:
        yield
    finally:
        announcing.cancel()
        await runner.cleanup()


async def place(offers: int, count: int) -> Spread:
    """Place so many offers over `count` workers."""
    roster_file.EXPIRY_S = FORGOTTEN_S
    crew = [_Worker(f"w{number}") for number in range(count)]
    async with AsyncExitStack() as stack:
        workers = await stack.enter_async_context(roster())
        for each in crew:
            await stack.enter_async_context(_running(each, workers))
        door = Door(workers, DoorSettings(port=free_port()))
        await door.start()
        stack.push_async_callback(door.close)
        session = await stack.enter_async_context(ClientSession(door.url))
        spread, averages = Spread(0.0), list[float]()
        watching = asyncio.create_task(_watch(crew, spread, averages), name="watch")
        left = iter(range(offers))
        begun_s = asyncio.get_running_loop().time()
        await asyncio.gather(*(_call(session, left, begun_s) for _ in range(AT_ONCE)))
        watching.cancel()
        spread.placed = _over(worker.placed for worker in crew)
        spread.average = sum(averages) / max(1, len(averages))
        return spread


def _over(counts: Iterable[int]) -> float:
    all_ = list(counts)
    return max(all_) / (sum(all_) / len(all_)) - 1


async def _watch(crew: list[_Worker], spread: Spread, averages: list[float]) -> None:
    await asyncio.sleep(WARM_S)
    while True:
        spread.live.append(_over(worker.live for worker in crew))
        averages.append(sum(worker.live for worker in crew) / len(crew))
        await asyncio.sleep(0.5)


async def _call(session: ClientSession, left: Iterator[int], begun_s: float) -> None:
    for number in left:
        await asyncio.sleep(begun_s + number / A_SECOND - asyncio.get_running_loop().time())
        lasts_s = random.expovariate(1 / (LONG_S if random.random() < LONG_SHARE else SHORT_S))
        async with session.post("/api/offer", json={"lasts_s": lasts_s}) as answer:
            assert answer.status == 200, answer.status
