"""How late the loop is by the pacer's clock, on a loop that can be made to stall."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from server.media.pacer import Pacer
from server.telemetry.loop_watch import WINDOW_TICKS, LoopWatch
from tests.media.test_pacer import StallingLoop


class Watched:
    """A pacer with a watch, and with one call that works for `work_s` in each tick (no call if it is 0)."""

    def __init__(self, loop: StallingLoop, work_s: float = 0.0) -> None:
        self.loop = loop
        self.lags_s: list[float] = []
        self.packets_s: list[float] = []
        pacer = Pacer()
        self.watch = LoopWatch(pacer, self.lags_s.append, self.packets_s.append)
        pacer.join(self.watch.tick)
        if work_s:
            pacer.join(lambda number: loop.stall(work_s))
        self.pacer = pacer


def run(scenario: Callable[[StallingLoop], Coroutine[Any, Any, None]]) -> None:
    loop = StallingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(loop))


def test_an_idle_loop_is_not_late() -> None:
    """The latest tick of each 200 ms is reported. No packets are reported while there is no call."""

    async def scenario(loop: StallingLoop) -> None:
        watched = Watched(loop)
        await asyncio.sleep(1.01)
        assert watched.lags_s == pytest.approx([0] * 5, abs=1e-6)
        assert watched.watch.p95_ms() == pytest.approx(0, abs=1e-3)
        assert watched.packets_s == []

    run(scenario)


def test_the_last_packet_is_as_late_as_the_work_before_it() -> None:
    """The work of calls in a tick delays the tick's last packet, although the tick itself begins in time."""

    async def scenario(loop: StallingLoop) -> None:
        watched = Watched(loop, work_s=0.007)
        await asyncio.sleep(1.01)
        assert watched.lags_s == pytest.approx([0] * 5, abs=1e-6)
        assert watched.packets_s == pytest.approx([0.007] * 5)

    run(scenario)


def test_a_late_start_is_not_trouble() -> None:
    """A few late ticks right after the server has started do not count as trouble: they are few among those of 5 s."""

    async def scenario(loop: StallingLoop) -> None:
        watched = Watched(loop)
        await asyncio.sleep(0.01)
        loop.stall(0.09)
        await asyncio.sleep(0.5)
        assert max(watched.lags_s) > 0.07
        assert watched.watch.p95_ms() == 0

    run(scenario)


def test_a_long_stall_counts_for_every_tick_that_it_cost() -> None:
    """A stall of a second counts as 50 late ticks of 250, not as one late tick. The skipped ticks are counted."""

    async def scenario(loop: StallingLoop) -> None:
        watched = Watched(loop)
        await asyncio.sleep(4.01)
        loop.stall(1.0)
        await asyncio.sleep(0.01)
        assert watched.watch.skipped == 49
        assert watched.watch.p95_ms() > 700
        await asyncio.sleep(WINDOW_TICKS * 0.02)
        assert watched.watch.p95_ms() == pytest.approx(0, abs=1e-3)

    run(scenario)
