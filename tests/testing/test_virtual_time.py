"""The clock that jumps, and when it does not."""

import asyncio
import socket
import threading
import time

import pytest

from antiphon.testing import run


def test_an_hour_takes_no_time() -> None:
    """Nobody waits for a timer."""
    began_s = time.monotonic()
    run(asyncio.sleep(3_000))
    assert time.monotonic() - began_s < 60


def test_the_clock_stands_still_while_a_thread_works() -> None:
    """However busy the machine is, a tool that is a normal function takes no time."""

    async def scenario() -> float:
        timer = asyncio.create_task(asyncio.sleep(1_000))
        await asyncio.sleep(1)
        await asyncio.to_thread(time.sleep, 0.02)
        timer.cancel()
        return asyncio.get_running_loop().time()

    assert run(scenario()) == 1


def test_the_clock_waits_for_a_connection() -> None:
    """While one is open, it is no faster than the clock on the wall, so that no answer comes too late."""

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            time.sleep(0.05)
            connection.sendall(b"late")

    async def scenario() -> bytes:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        async with asyncio.timeout(20):
            received = await reader.read()
        writer.close()
        return received

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer)
        answering.start()
        assert run(scenario()) == b"late"
        answering.join()


def test_a_task_that_is_left_over_is_an_error() -> None:
    """It may be a part of the agent that nobody stops."""

    async def scenario() -> None:
        scenario.task = asyncio.create_task(asyncio.sleep(9), name="forgotten")  # type: ignore[attr-defined]

    with pytest.raises(AssertionError, match="forgotten"):
        run(scenario())


def test_a_test_that_never_ends_is_an_error() -> None:
    """By a limit of virtual time, or because nothing can happen any more."""
    with pytest.raises(TimeoutError):
        run(asyncio.sleep(100), limit_s=10)
