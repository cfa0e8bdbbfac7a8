"""What becomes of the present calls when a server stops."""

import asyncio
from contextlib import suppress

import pytest

from server.call.caller import Caller
from server.call.messages import Reconnect, Text
from server.call.options import CallOptions
from server.errors import AtCapacity
from tests.call.directories import Line, Stubborn, connected, directory
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


def test_drain_lets_calls_go_on_until_the_deadline() -> None:
    """New calls are refused. Callers who are still there at the deadline are told to reconnect, and all calls end."""

    async def scenario() -> None:
        calls = directory()
        (first, _), (second, line) = await connected(calls), await connected(calls)
        loop = asyncio.get_running_loop()
        start_s, drain = loop.time(), loop.create_task(calls.drain(10), name="drain")
        await asyncio.sleep(1)
        with pytest.raises(AtCapacity, match="shutting down"):
            await calls.open(Caller(), CallOptions())
        first.end()
        await first.over.wait()
        assert not drain.done()
        await drain
        assert 9.99 < loop.time() - start_s < 13
        assert second.over.is_set()
        assert any(isinstance(message, Reconnect) for message in line.told)
        assert line.closed

    run_virtual(scenario())


def test_drain_does_not_wait_for_calls_without_a_connection() -> None:
    """A call that has lost its connection, or loses it now, ends at once and can be resumed from the store."""

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
            await directory(notebook=book).find(Caller(), session.id, connection.token, CallOptions())

    run_virtual(scenario())


def test_drain_lets_a_reply_be_made_for_a_call_without_a_connection() -> None:
    """The tool runs to its end, once. Then the call ends, and its record says what the tool did."""

    async def scenario() -> None:
        book, loop, mind = Notebook(), asyncio.get_running_loop(), Mind(tool_s=4)
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        session.receive_text(Text(text="book seven").to_json())
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
    """A call whose record would be lost with the process waits for its caller until the deadline."""

    async def scenario() -> None:
        calls, loop = directory(), asyncio.get_running_loop()
        session, line = await connected(calls)
        session.detach(line)
        start_s, drain = loop.time(), loop.create_task(calls.drain(10, put_away=False), name="drain")
        await asyncio.sleep(5)
        again = Line()
        calls.attach(await calls.find(Caller(), session.id, line.token, CallOptions()), again, line.token)
        await drain
        assert loop.time() - start_s > 9.99
        assert any(isinstance(message, Reconnect) for message in again.told)

    run_virtual(scenario())


def test_drain_of_an_empty_server_takes_no_time() -> None:
    """A server without calls stops at once."""

    async def scenario() -> None:
        await directory().drain(10)
        assert asyncio.get_running_loop().time() < 1

    run_virtual(scenario())


def test_a_tool_that_does_not_stop_does_not_keep_the_server() -> None:
    """A tool that does not stop is left behind, so that the server ends in time."""

    async def scenario() -> None:
        calls = directory(mind=Stubborn(tool_s=100, holds_s=300))
        session, _ = await connected(calls)
        session.receive_text(Text(text="book seven").to_json())
        await asyncio.sleep(0.5)
        async with asyncio.timeout(10):
            await calls.drain(0)
            await calls.close()
        assert not session.over.is_set()
        await session.over.wait()

    run_virtual(scenario())


class Others:
    """Other servers, which take what is `saved`."""

    def __init__(self, saved: set[str], hangs: bool = False) -> None:
        self.takes = saved.__contains__
        self._hangs = hangs

    async def look(self) -> None:
        """One that `hangs` waits for longer than any drain, and then swallows the cancellation."""
        if self._hangs:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1000)


def test_a_drain_ends_in_time_though_the_others_are_not_found() -> None:
    async def scenario() -> None:
        loop, calls = asyncio.get_running_loop(), directory(limit=1)
        session, line = await connected(calls)
        start_s = loop.time()
        async with asyncio.timeout(30):
            await calls.drain(10, elsewhere=Others(set(), hangs=True))
        assert 10 <= loop.time() - start_s < 13
        assert session.over.is_set()
        assert Reconnect() in line.told

    run_virtual(scenario())


def test_a_drain_moves_calls_that_are_quiet() -> None:
    """Where other servers take the calls, each moves when nobody speaks, nothing is made for it, and all is saved. One
    whose client cannot go on elsewhere stays until the deadline."""

    async def scenario() -> None:
        loop, mind, saved = asyncio.get_running_loop(), Mind(tool_s=4), set[str]()
        calls = directory(limit=9, mind=mind)
        (quiet, line), (busy, at_work), (fixed, phone) = [await connected(calls) for _ in range(3)]
        phone.comes_back = False
        await asyncio.sleep(5)  # the greetings
        busy.receive_text(Text(text="book seven").to_json())
        for session in (quiet, fixed):
            session.token.confirm()
        start_s = loop.time()
        drain = loop.create_task(calls.drain(10, elsewhere=Others(saved)), name="drain")
        await asyncio.sleep(1)
        assert not quiet.ended
        saved |= {quiet.id, busy.id, fixed.id}
        await quiet.over.wait()
        assert loop.time() - start_s < 2
        assert Reconnect() in line.told
        assert not busy.ended
        while not busy.ended:  # the caller listens to the answer
            busy.next_frame()
            await asyncio.sleep(0.02)
        assert mind.booked == ["seven"]
        assert Reconnect() in at_work.told
        assert 4 < loop.time() - start_s < 9
        await drain
        assert fixed.over.is_set()
        assert loop.time() - start_s > 9.99

    run_virtual(scenario())
