"""A cluster in a real Ray of three machines, with 60 calls that outlive whatever ends: one story, told in order."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.cluster.clerk import LONG
from tests.cluster.kept_calls import PAUSE_S, KeptCall, SpeakingPhone, TypingPhone, ask_all, kept_calls, resumed
from tests.loopback import keep_to_loopback

if TYPE_CHECKING:
    from tests.cluster.ray_town import Town

TYPING, SPEAKING = 54, 6
"""WebRTC callers encode and decode in this process, so there are fewer of them."""
LIMIT_S = 300
"""How long each part of the story may take on a busy machine."""
ANSWER_S = 90
"""How long an answer may take. It sounds for four seconds, and again in as many when its server was killed."""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra antiphon[cluster] is not installed"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Town"]:
    from tests.cluster.ray_town import town  # Ray takes a second to import, in each process that collects the tests

    async with town(tmp_path_factory.mktemp("town")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(here: "Town") -> AsyncIterator[list[KeptCall]]:
    keep_to_loopback()
    kinds = [*[TypingPhone] * TYPING, *[SpeakingPhone] * SPEAKING]
    async with kept_calls(here.url, *kinds) as begun:
        yield begun


async def test_calls_are_spread(here: "Town", calls: list[KeptCall]) -> None:
    """The door gives each worker its share of the calls, and each call runs its tool once. Nothing of that has a lower
    priority than usual, which Ray gives to computations."""
    async with asyncio.timeout(LIMIT_S):
        workers = await here.workers()
        haproxy = (await here.settled()).door.pid
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert max(os.getpriority(os.PRIO_PROCESS, pid) for pid in (haproxy, *(each.pid for each in workers))) <= own
        shares = [sum(call.worker == worker.name for call in calls) for worker in workers]
        assert sum(shares) == TYPING + SPEAKING
        assert min(shares) >= 10, shares
        await asyncio.gather(*(call.ask(f"book {number}", again=False) for number, call in enumerate(calls)))
        assert here.clerk.bookings == dict.fromkeys(map(str, range(len(calls))), 1)


async def test_a_worker_dies(here: "Town", calls: list[KeptCall]) -> None:
    """Killed in the middle of answers: its calls resume at the others, and Ray's actor starts another one."""
    async with asyncio.timeout(LIMIT_S):
        asked = await ask_all(calls, "tell me")
        victim = (await here.workers())[0]
        os.kill(victim.pid, signal.SIGKILL)
        await _answered(asked, calls)
        await resumed([call for call in calls if call.worker == victim.name])
        await here.settled()


async def test_a_machine_dies(here: "Town", calls: list[KeptCall]) -> None:
    """All of a machine is gone at once: its calls resume at the others, and Ray places its worker elsewhere."""
    async with asyncio.timeout(LIMIT_S):
        asked = await ask_all(calls, "tell me")
        victim = await here.kill_machine()
        await _answered(asked, calls)
        seen = await here.settled(lambda seen: seen.machines == 2)
        assert victim not in [each.worker.name for each in seen.report.workers if each.worker]
        assert len(seen.report.workers) == 3


async def test_a_rolling_restart(here: "Town", calls: list[KeptCall]) -> None:
    """All workers are replaced while people talk: every answer comes, and nobody has to ask again."""
    async with asyncio.timeout(LIMIT_S):
        before = {worker.name for worker in await here.workers()}
        await asyncio.to_thread(here.cluster.change, roll=True)
        while before & {worker.name for worker in await here.roster.present()}:
            await asyncio.gather(*(call.ask("are you there", again=False) for call in calls))
            await asyncio.sleep(PAUSE_S)
        seen = await here.settled()
        assert {each.generation for each in seen.report.workers} == {seen.report.spec.generation}
        await resumed(calls)


async def test_redis_dies(here: "Town", calls: list[KeptCall]) -> None:
    """Calls go on while Redis is away, and what was said meanwhile is in it afterwards."""
    async with asyncio.timeout(LIMIT_S):
        again = _asked_again(calls)
        asked = await ask_all(calls, "tell me")
        here.redis.kill()
        await _answered(asked, calls)
        here.redis.start()
        await here.settled()
        assert _asked_again(calls) == again


async def test_the_door_dies(here: "Town", calls: list[KeptCall]) -> None:
    """The door and who keeps it are gone: both come back, and calls whose connection went through it resume."""
    async with asyncio.timeout(LIMIT_S):
        typing = calls[:TYPING]
        times = [call.resumed for call in typing]
        asked = await ask_all(calls, "tell me")
        await here.kill_door()
        await _answered(asked, calls)
        await here.settled()
        await resumed(typing, times)


async def test_nothing_was_lost(here: "Town", calls: list[KeptCall]) -> None:
    """After all this every call knows what was said in it, and no tool ran twice."""
    async with asyncio.timeout(LIMIT_S):
        told = await asyncio.gather(*(call.ask("what did I say") for call in calls))
        for number, (call, answer) in enumerate(zip(calls, told, strict=True)):
            found = re.search(r"book (\d+) and (\d+) times", answer)
            assert found is not None, answer
            assert int(found[1]) == number
            assert int(found[2]) >= 4, "before each of the deaths"
            assert call.forgotten == 0
        assert here.clerk.bookings == dict.fromkeys(map(str, range(len(calls))), 1)


async def _answered(asked: list["asyncio.Task[str]"], calls: list[KeptCall]) -> None:
    """All have been answered to the end."""
    _, waiting = await asyncio.wait(asked, timeout=ANSWER_S)
    silent = [(str(call), call.last_told) for call, task in zip(calls, asked, strict=True) if task in waiting]
    assert not silent
    assert {task.result().strip(".") for task in asked} == {LONG}


def _asked_again(calls: list[KeptCall]) -> int:
    return sum(call.asked_again for call in calls)
