"""How sessions are admitted, found and ended: with real sessions, on a virtual clock."""

import asyncio

import pytest

from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.messages import Error, HangUp, Hello, Reconnect, Text
from server.call.options import CallOptions
from server.call.trace import Untraced
from server.errors import AtCapacity, NotFound
from tests.call.directories import Line, Stubborn, answers, connected, directory, listen
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


def test_places_are_limited() -> None:
    """The first call over the limit is refused, and told when to try again. The end of a call frees a place."""

    async def scenario() -> None:
        calls = directory(limit=2)
        first, _ = await connected(calls)
        await connected(calls)
        with pytest.raises(AtCapacity) as refusal:
            await calls.open(Caller(), CallOptions())
        assert refusal.value.retry_after_s > 0
        assert (calls.opened, calls.refused) == (2, {Refusal.FULL: 1})
        first.end()
        await first.over.wait()
        await connected(calls)
        assert len(calls) == 2
        await calls.close()

    run_virtual(scenario())


def test_an_overload_keeps_new_callers_out_and_nobody_else() -> None:
    """An overload refuses new calls although there are places. A caller who lost the connection may still return."""

    async def scenario() -> None:
        overload: list[Refusal | None] = [None]
        calls = directory(limit=9, overload=lambda: overload[0])
        session, line = await connected(calls)
        overload[0] = Refusal.LOOP_LATE
        with pytest.raises(AtCapacity, match="too busy"):
            await calls.open(Caller(), CallOptions())
        assert (calls.opened, calls.refused) == (1, {Refusal.LOOP_LATE: 1})
        session.detach(line)
        assert calls.detached == 1
        calls.attach(await calls.find(Caller(), session.id, line.token, CallOptions()), Line(), line.token)
        assert calls.detached == 0
        overload[0] = None
        await connected(calls)
        await calls.close()

    run_virtual(scenario())


class Ends(Untraced):
    """Follows calls, and keeps how they end."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def end(self, how: str = "") -> None:
        self.kept.append(how)


def test_the_trace_of_every_call_ends() -> None:
    """It tells why the call is over, even when it never had a connection."""

    async def scenario() -> None:
        ends = Ends()
        calls = directory(trace=ends)
        calls.abandon(await calls.open(Caller(), CallOptions()))
        assert ends.kept == ["not_connected"]
        session, line = await connected(calls)
        session.detach(line, for_good=True)
        await session.over.wait()
        assert ends.kept == ["not_connected", "caller"]
        await calls.close()

    run_virtual(scenario())


def test_a_call_that_never_connects_gives_its_place_back() -> None:
    """A place that was taken for an offer is free again when no connection comes of it."""

    async def scenario() -> None:
        calls = directory(limit=1)
        session = await calls.open(Caller(), CallOptions())
        calls.abandon(session)
        assert session.over.is_set()
        session, _ = await connected(calls)
        calls.abandon(session)
        assert len(calls) == 1, "a session that had its connection is not abandoned"
        await calls.close()

    run_virtual(scenario())


def test_a_session_is_found_by_its_token_alone() -> None:
    """A wrong token and a wrong id get the same answer, so a stranger learns nothing."""

    async def scenario() -> None:
        calls = directory()
        session, line = await connected(calls)
        assert await calls.find(Caller(), session.id, line.token, CallOptions()) is session
        refusals = []
        for name, token in ((session.id, "guess"), ("nobody", line.token), (session.id, "")):
            with pytest.raises(NotFound) as refusal:
                await calls.find(Caller(), name, token, CallOptions())
            refusals.append(refusal.value.sentence)
        assert len(set(refusals)) == 1
        await calls.close()

    run_virtual(scenario())


def test_the_newer_connection_wins() -> None:
    """The older connection is told and closed, and its token resumes nothing any more."""

    async def scenario() -> None:
        calls = directory()
        session, old = await connected(calls)
        new = Line()
        calls.attach(session, new, old.token)
        assert old.closed
        assert [m.code for m in old.told if isinstance(m, Error)] == ["superseded"]
        assert isinstance(new.told[0], Hello)
        assert new.told[0].resumed
        session.token.confirm()
        with pytest.raises(NotFound):
            calls.attach(session, Line(), old.token)
        assert not new.closed
        await calls.close()

    run_virtual(scenario())


def test_a_detached_call_waits_and_then_ends() -> None:
    """A call that lost its connection can be resumed for a set time. After that it is over."""

    async def scenario() -> None:
        calls = directory(resume_s=60)
        session, line = await connected(calls)
        session.detach(line)
        await asyncio.sleep(59)
        again = Line()
        calls.attach(session, again, line.token)
        await asyncio.sleep(120)
        assert not session.over.is_set(), "a caller who is back is not waited for any longer"
        session.detach(again)
        await asyncio.sleep(61)
        assert session.over.is_set()
        with pytest.raises(NotFound):
            await calls.find(Caller(), session.id, again.token, CallOptions())

    run_virtual(scenario())


def test_a_call_that_has_ended_does_not_wait_for_another_connection() -> None:
    """A connection that is lost while a tool still stops leaves nothing to resume."""

    async def scenario() -> None:
        calls = directory(mind=Stubborn(tool_s=100))
        session, line = await connected(calls)
        session.receive_text(Text(text="book seven").to_json())
        await asyncio.sleep(0.5)
        session.end()
        await asyncio.sleep(0.1)
        session.detach(line)
        assert not session.over.is_set()
        assert calls.detached == 0
        await session.over.wait()
        await calls.close()

    run_virtual(scenario())


def test_a_call_that_has_ended_gives_its_place_up_while_its_tool_still_stops() -> None:
    """A caller who has hung up keeps no new caller out, however long the tool of the old call goes on."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(limit=1, notebook=book, mind=Stubborn(tool_s=100))
        before, line = await connected(calls)
        before.receive_text(Text(text="book seven").to_json())
        await asyncio.sleep(0.5)
        with pytest.raises(AtCapacity):
            await calls.open(Caller(), CallOptions())
        before.receive_text(HangUp().to_json())
        await asyncio.sleep(0.1)
        assert calls.refusal() is None
        newcomer, _ = await connected(calls)
        before.detach(line)
        assert not before.over.is_set()
        with pytest.raises(AtCapacity):
            await calls.open(Caller(), CallOptions())
        await before.over.wait()
        assert len(calls) == 1
        assert Reconnect() not in line.told, "the caller has hung up, and is not called back"
        assert book.records[before.id].ended_ms is not None
        newcomer.end()
        await newcomer.over.wait()
        await calls.close()

    run_virtual(scenario())


def test_the_call_that_waits_longest_gives_way() -> None:
    """On a full server a new call takes the place of the call that lost its connection first, if there is one."""

    async def scenario() -> None:
        calls = directory(limit=2)
        (first, line), (second, _) = await connected(calls), await connected(calls)
        first.detach(line)
        assert calls.refusal() is None
        await connected(calls)
        await first.over.wait()
        assert not second.over.is_set()
        with pytest.raises(AtCapacity):
            await calls.open(Caller(), CallOptions())
        await calls.close()

    run_virtual(scenario())


def test_a_caller_who_gave_way_and_is_back_while_a_tool_still_stops_is_answered() -> None:
    """A session that gave way and is still ending does no harm to the one in which its caller goes on."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(limit=1, notebook=book, mind=Stubborn(tool_s=100))
        before, line = await connected(calls)
        before.receive_text(Text(text="book seven").to_json())
        await asyncio.sleep(0.5)
        before.detach(line)
        newcomer, _ = await connected(calls)
        newcomer.end()
        await newcomer.over.wait()
        assert not before.over.is_set()
        session, again = await calls.find(Caller(), before.id, line.token, CallOptions()), Line()
        calls.attach(session, again, line.token)
        await asyncio.sleep(0.1)
        session.receive_text(Text(text="hello").to_json())
        await listen(session, 300)
        assert answers(again)[-1] == "You said hello."
        assert await calls.find(Caller(), session.id, again.token, CallOptions()) is session
        await before.over.wait()
        assert book.records[session.id].said[-1].text == "You said hello."
        await calls.close()
        assert session.over.is_set()

    run_virtual(scenario())
