"""Measures two ways to one worker by turns: straight, and through something in between."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

FRAME_BYTES = 960
"""20 ms of sound at 24 kHz."""
FRAME_S = 0.020
OFFER = {"sdp": "o" * 5_000, "type": "offer"}
"""As long as the offer of a browser."""
CONVERSATION = "/api/voice/conversation/new"
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Times:
    """How long something took each time, in seconds, straight and through what is in between."""

    direct: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)

    def row(self) -> str:
        parts = [f"{_at(times, share) * 1000:7.2f}" for share in (0.5, 0.95) for times in (self.direct, self.through)]
        added = [(_at(self.through, share) - _at(self.direct, share)) * 1000 for share in (0.5, 0.95)]
        return f"{parts[0]} {parts[1]} {added[0]:+7.2f} |{parts[2]} {parts[3]} {added[1]:+7.2f}"


HEADER = "  p50: direct, through, added | p95: direct, through, added (ms)"


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def cpu_s(pids: Iterable[int]) -> float:
    """How much CPU time the processes have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / _TICKS_A_SECOND


async def offers(direct: str, through: str, count: int) -> Times:
    """Offers, one after the other, each way in turn. Each has a connection of its own, as that of a caller has."""
    times = Times()
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        for number in range(2 * count + 20):
            straight = number % 2 == 0
            began_s = time.perf_counter()
            async with session.post((direct if straight else through) + "/api/offer", json=OFFER) as answer:
                await answer.read()
                assert answer.status == 200, answer.status
            if number >= 20:
                (times.direct if straight else times.through).append(time.perf_counter() - began_s)
    return times


async def frames(direct: str, through: str, sockets: int, seconds: float) -> Times:
    """Frames there and back, on `sockets` connections each way, each 50 times a second; the ways are used in turn."""
    times = Times()
    async with ClientSession() as session, asyncio.TaskGroup() as group:
        for number in range(sockets):
            group.create_task(_talk(session, (direct, through), times, seconds, number / sockets * FRAME_S))
    return times


async def _talk(session: ClientSession, ways: tuple[str, str], times: Times, seconds: float, begin_s: float) -> None:
    frame = os.urandom(FRAME_BYTES)
    async with session.ws_connect(ways[0] + CONVERSATION) as one, session.ws_connect(ways[1] + CONVERSATION) as other:
        next_s = time.perf_counter() + begin_s
        ends_s = next_s + seconds
        while next_s < ends_s:
            for socket, taken in ((one, times.direct), (other, times.through)):
                next_s += FRAME_S / 2
                await asyncio.sleep(next_s - time.perf_counter())
                sent_s = time.perf_counter()
                await socket.send_bytes(frame)
                await socket.receive_bytes()
                taken.append(time.perf_counter() - sent_s)


@dataclass
class Costs:
    """What a way costs: an offer, a frame there and back, and the CPU of what is in between for each passed frame."""

    name: str
    offers: Times
    frames: Times
    cpu_us: float
    offer_cpu_us: float

    def lines(self) -> list[str]:
        return [
            f"{self.name:22} offer      {self.offers.row()}  CPU {self.offer_cpu_us:5.0f} µs an offer",
            f"{'':22} frame, 2×  {self.frames.row()}  CPU {self.cpu_us:5.1f} µs a frame",
        ]


async def measure(
    name: str, direct: str, through: str, pids: Callable[[], list[int]], size: tuple[int, int, float]
) -> Costs:
    """`pids` are the processes in between. `size`: how many offers, how many sockets, and for how many seconds."""
    count, sockets, seconds = size
    used_s = cpu_s(pids())
    asked = await offers(direct, through, count)
    offer_us = (cpu_s(pids()) - used_s) / (count + 10) * 1e6
    used_s = cpu_s(pids())
    passed = await frames(direct, through, sockets, seconds)
    frame_us = (cpu_s(pids()) - used_s) / (2 * len(passed.through)) * 1e6
    return Costs(name, asked, passed, frame_us, offer_us)
