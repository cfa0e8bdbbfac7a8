import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from server.media.pacer import MAX_MISSED, Pacer
from tests.virtual_time import VirtualLoop


class StallingLoop(VirtualLoop):
    """A loop whose clock can be moved on, as if something blocked the loop."""

    def stall(self, seconds: float) -> None:
        self._jumping.now_s += seconds


class Member:
    """A member of the pacer. It notes its ticks and their times in ms, and calls each function in `at` at its tick."""

    def __init__(self, loop: StallingLoop) -> None:
        self._loop, self._start_s = loop, loop.time()
        self.numbers: list[int] = []
        self.times_ms: list[float] = []
        self.at: dict[int, Callable[[], object]] = {}

    def tick(self, number: int) -> None:
        self.numbers.append(number)
        self.times_ms.append(round((self._loop.time() - self._start_s) * 1000, 3))
        self.at.pop(number, lambda: None)()


def run(scenario: Callable[[StallingLoop], Coroutine[Any, Any, None]]) -> None:
    loop = StallingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(loop))


def pacer_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "pacer"]


def test_ticks_do_not_drift() -> None:
    """A minute has 3,000 ticks at the right times, although every tick takes 3 ms."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, member = Pacer(), Member(loop)
        member.at = {number: lambda: loop.stall(0.003) for number in range(3_001)}
        pacer.join(member.tick)
        await asyncio.sleep(60.01)
        pacer.leave(member.tick)
        assert member.numbers == list(range(3_001))
        assert member.times_ms == pytest.approx([20 * number for number in range(3_001)])

    run(scenario)


def test_a_short_stall_is_made_up() -> None:
    """After a stall of less than 60 ms, the missed ticks follow at once. Then the clock goes on as before."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, member = Pacer(), Member(loop)
        member.at = {5: lambda: loop.stall(0.050)}
        pacer.join(member.tick)
        await asyncio.sleep(0.25)
        pacer.leave(member.tick)
        assert member.numbers == list(range(len(member.numbers)))
        assert member.times_ms[5:12] == [100, 150, 150, 160, 180, 200, 220]

    run(scenario)


def test_a_long_stall_is_left_out() -> None:
    """After a long stall the missed ticks are left out. The numbers of the ticks still match the time."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, member = Pacer(), Member(loop)
        member.at = {5: lambda: loop.stall(1.005)}
        pacer.join(member.tick)
        await asyncio.sleep(1.25)
        pacer.leave(member.tick)
        assert member.numbers[4:8] == [4, 5, 55, 56]
        assert member.times_ms[4:8] == [80, 100, 1105, 1120]

    run(scenario)


def test_never_more_ticks_at_once_than_the_limit() -> None:
    """However long a stall is, at most MAX_MISSED missed ticks and the one that is due come at once."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, member = Pacer(), Member(loop)
        member.at = {10 * n: lambda n=n: loop.stall(0.011 * n) for n in range(100)}  # type: ignore[misc]
        pacer.join(member.tick)
        await asyncio.sleep(60)
        pacer.leave(member.tick)
        assert max(member.times_ms.count(time_ms) for time_ms in set(member.times_ms)) <= MAX_MISSED + 1
        assert member.numbers == sorted(set(member.numbers))

    run(scenario)


def test_the_last_to_leave_stops_the_clock() -> None:
    """There is one task while there are members, and none afterwards. To leave twice does no harm."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, one, two = Pacer(), Member(loop), Member(loop)
        assert pacer_tasks() == []
        pacer.join(one.tick)
        pacer.join(two.tick)
        assert len(pacer_tasks()) == 1
        await asyncio.sleep(0.05)
        pacer.leave(one.tick)
        await asyncio.sleep(0.05)
        pacer.leave(two.tick)
        pacer.leave(two.tick)
        await asyncio.sleep(0)
        assert pacer_tasks() == []
        assert (len(one.numbers), len(two.numbers)) == (3, 5)
        pacer.join(one.tick)
        await asyncio.sleep(0.03)
        pacer.leave(one.tick)
        assert one.numbers[3:] == [0, 1]

    run(scenario)


def test_a_member_that_leaves_in_a_tick_is_not_called_again() -> None:
    """A member may remove itself and others in the middle of a tick. None of them is called after that."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, one, two = Pacer(), Member(loop), Member(loop)

        def leave() -> None:
            pacer.leave(one.tick)
            pacer.leave(two.tick)

        one.at, two.at = {2: leave}, {2: leave}
        pacer.join(one.tick)
        pacer.join(two.tick)
        await asyncio.sleep(0.2)
        assert len(one.numbers) + len(two.numbers) == 5
        assert pacer_tasks() == []

    run(scenario)


def test_a_fault_in_one_call_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """A member that raises is not called again. The others are called in the same tick and after it."""

    async def scenario(loop: StallingLoop) -> None:
        pacer, bad = Pacer(), Member(loop)
        others = [Member(loop) for _ in range(5)]
        bad.at = {2: lambda: 1 // 0}
        for member in [bad, *others]:
            pacer.join(member.tick)
        await asyncio.sleep(0.11)
        for member in others:
            pacer.leave(member.tick)
        assert bad.numbers == [0, 1, 2]
        assert [member.numbers for member in others] == [[0, 1, 2, 3, 4, 5]] * 5

    with caplog.at_level(logging.ERROR):
        run(scenario)
    assert len(caplog.records) == 1
