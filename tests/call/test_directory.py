import asyncio

import pytest

from server.call.directory import Directory
from server.errors import AtCapacity


class Line:
    """A live call: `polite` ones end a while after they were asked to, others only when they must."""

    def __init__(self, polite: bool = True) -> None:
        self.polite = polite
        self.asked_to_leave = False
        self.over = asyncio.Event()

    def leave(self) -> None:
        self.asked_to_leave = True
        if self.polite:
            asyncio.get_running_loop().call_soon(self.over.set)

    def end(self) -> None:
        self.over.set()


async def hold(directory: Directory, line: Line) -> None:
    """The life of a call that has been admitted."""
    with directory.holding(line):
        await line.over.wait()
    directory.leave()


async def test_places_are_limited() -> None:
    """The first call over the limit is refused, and told when to come again."""
    directory = Directory(2)
    directory.admit()
    directory.admit()
    with pytest.raises(AtCapacity) as refusal:
        directory.admit()
    assert refusal.value.retry_after_s > 0
    assert len(directory) == 2


async def test_a_place_is_given_back() -> None:
    """When a call has left, another is admitted."""
    directory = Directory(1)
    directory.admit()
    directory.leave()
    directory.admit()
    assert len(directory) == 1


async def test_drain_says_goodbye_and_waits() -> None:
    """All calls are asked to leave, and drain returns when the last one is over."""
    directory, lines = Directory(2), [Line(), Line()]
    async with asyncio.TaskGroup() as group:
        for line in lines:
            directory.admit()
            group.create_task(hold(directory, line))
        await asyncio.sleep(0)
        await directory.drain(deadline_s=5)
        assert len(directory) == 0
    assert all(line.asked_to_leave for line in lines)


async def test_drain_ends_what_does_not_leave() -> None:
    """At the deadline a call ends, goodbye or not."""
    directory, line = Directory(1), Line(polite=False)
    directory.admit()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(directory, line))
        await asyncio.sleep(0)
        await directory.drain(deadline_s=0)
        assert line.over.is_set()
    assert len(directory) == 0


async def test_nobody_is_admitted_while_draining() -> None:
    """A call that comes while the server stops is refused, though there are places."""
    directory = Directory(1)
    await directory.drain(deadline_s=5)
    with pytest.raises(AtCapacity, match="shutting down"):
        directory.admit()


async def test_a_call_that_connects_while_draining_ends_at_once() -> None:
    """A call that was admitted before and connects only now does not hold the server up."""
    directory, line = Directory(1), Line(polite=False)
    directory.admit()
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(directory.drain(deadline_s=5))
        await asyncio.sleep(0)
        assert not drain.done()
        group.create_task(hold(directory, line))
        await asyncio.sleep(0)
        assert line.over.is_set()
    assert len(directory) == 0
