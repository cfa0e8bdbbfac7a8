"""A server that goes, and who is still talking with it."""

import asyncio

import pytest

from server.call.messages import Reconnect, Text
from server.call.options import CallOptions
from server.errors import AtCapacity
from tests.call.directories import Line, Stubborn, connected, directory
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


def test_drain_lets_calls_go_on_until_the_deadline() -> None:
    """Nobody new is admitted; who is still there at the deadline is told to reconnect; then all has ended."""

    async def scenario() -> None:
        calls = directory()
        (first, _), (second, line) = await connected(calls), await connected(calls)
        loop = asyncio.get_running_loop()
        start_s, drain = loop.time(), loop.create_task(calls.drain(10), name="drain")
        await asyncio.sleep(1)
        with pytest.raises(AtCapacity, match="shutting down"):
            calls.open(CallOptions())
        first.end()
        await first.over.wait()
        assert not drain.done()
        await drain
        assert 9.99 < loop.time() - start_s < 13
        assert second.over.is_set()
        assert any(isinstance(message, Reconnect) for message in line.told)
        assert line.closed

    run_virtual(scenario())


def test_drain_does_not_wait_for_who_has_no_connection() -> None:
    """A call that waits for its caller is put away at once, to be resumed from the store; also one that drops now."""

    async def scenario() -> None:
        book, loop = Notebook(), asyncio.get_running_loop()
        calls = directory(limit=9, notebook=book)
        (away, line), (later, other) = await connected(calls), await connected(calls)
        away.detach(line)
        start_s, drain = loop.time(), loop.create_task(calls.drain(10), name="drain")
        await away.over.wait()
        assert loop.time() - start_s < 0.5
        assert not later.over.is_set()
        later.detach(other)
        await drain
        assert loop.time() - start_s < 1
        for session, connection in ((away, line), (later, other)):
            assert book.records[session.id].ended_ms is None
            await directory(notebook=book).find(session.id, connection.token, CallOptions())

    run_virtual(scenario())


def test_drain_lets_an_answer_be_made_for_who_has_no_connection() -> None:
    """Its tool runs to the end, once; then it is put away, with what the tool did written down."""

    async def scenario() -> None:
        book, loop, mind = Notebook(), asyncio.get_running_loop(), Mind(tool_s=4)
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        session.receive(Text(text="book seven"))
        await asyncio.sleep(0.5)
        session.detach(line)
        start_s = loop.time()
        await calls.drain(10)
        assert 3 < loop.time() - start_s < 5
        assert mind.booked == ["seven"]
        (exchange,) = book.records[session.id].exchanges
        assert [tool.result for said in exchange.said for tool in said.tools] == ["booked seven"]

    run_virtual(scenario())


def test_drain_keeps_calls_where_the_store_does_not() -> None:
    """What would be lost with the process waits for its caller to the deadline."""

    async def scenario() -> None:
        calls, loop = directory(), asyncio.get_running_loop()
        session, line = await connected(calls)
        session.detach(line)
        start_s, drain = loop.time(), loop.create_task(calls.drain(10, put_away=False), name="drain")
        await asyncio.sleep(5)
        again = Line()
        calls.attach(await calls.find(session.id, line.token, CallOptions()), again, line.token)
        await drain
        assert loop.time() - start_s > 9.99
        assert any(isinstance(message, Reconnect) for message in again.told)

    run_virtual(scenario())


def test_drain_of_an_empty_server_takes_no_time() -> None:
    """Where nobody calls, nothing is waited for."""

    async def scenario() -> None:
        await directory().drain(10)
        assert asyncio.get_running_loop().time() < 1

    run_virtual(scenario())


def test_a_tool_that_does_not_let_go_does_not_keep_the_server() -> None:
    """What else has to end, such as recordings, ends in time."""

    async def scenario() -> None:
        calls = directory(mind=Stubborn(tool_s=100, holds_s=300))
        session, _ = await connected(calls)
        session.receive(Text(text="book seven"))
        await asyncio.sleep(0.5)
        async with asyncio.timeout(10):
            await calls.drain(0)
            await calls.close()
        assert not session.over.is_set()
        await session.over.wait()

    run_virtual(scenario())
