"""The time of tools stands still while they wait for the caller, on virtual time."""

import asyncio

import pytest

from server.agent.tool_time import in_answer, tool_time, waiting_for_the_caller
from tests.virtual_time import run_virtual


def test_waiting_does_not_count() -> None:
    """Neither for the tool nor for its answer; the time before and after it does."""

    async def scenario() -> None:
        now = asyncio.get_running_loop().time
        began_s = now()

        async def tool() -> None:
            async with tool_time(5, in_answer=True), tool_time(4, in_answer=True):
                assert in_answer()
                await asyncio.sleep(1)
                with waiting_for_the_caller():
                    await asyncio.sleep(100)
                await asyncio.sleep(10)

        with pytest.raises(TimeoutError):
            await tool()
        assert now() - began_s == pytest.approx(104)
        assert not in_answer()

    run_virtual(scenario())


def test_an_end_that_was_set_meanwhile_holds() -> None:
    """The call may end while a tool waits: then the tool has no more time than others have."""

    async def scenario() -> None:
        now = asyncio.get_running_loop().time

        async def tool() -> None:
            async with tool_time(600, in_answer=False) as limit:
                with waiting_for_the_caller():
                    limit.reschedule(now() + 15)
                    await asyncio.sleep(1)
                await asyncio.sleep(100)

        with pytest.raises(TimeoutError):
            await tool()
        assert now() == pytest.approx(15)

    run_virtual(scenario())


def test_a_tool_outlives_its_answer() -> None:
    """The limit of an answer that is over is left alone, and a tool in the background has none but its own."""

    async def scenario() -> None:
        async def wait() -> bool:
            await asyncio.sleep(1)
            with waiting_for_the_caller():
                await asyncio.sleep(20)
            async with tool_time(1, in_answer=False):
                return in_answer()

        async with tool_time(5, in_answer=True):
            task = asyncio.create_task(wait())
            await asyncio.sleep(2)
        assert not await task

    run_virtual(scenario())


def test_outside_of_a_call() -> None:
    """There is no limit that could stand still."""

    async def scenario() -> None:
        with waiting_for_the_caller():
            await asyncio.sleep(1)

    run_virtual(scenario())
