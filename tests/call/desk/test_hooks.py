"""The hooks of calls that move to another server, or whose server stops; and slow dependencies. On virtual time."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from antiphon import CallEnd, CallInfo, VoiceAgent
from server.call.caller import Caller
from server.call.desk.directory import ENDING_S
from server.call.messages import Text
from server.call.options import CallOptions
from server.errors import AgentUnavailable, AtCapacity
from tests.call.directories import Line, connected, directory, listen
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


class Told(Mind):
    """Its hooks write down which of them has run; `on_end` after `end_s`. Its dependencies are there after `deps_s`."""

    def __init__(self, end_s: float = 0.0, deps_s: float = 0.0) -> None:
        super().__init__()
        self.hooks: list[str] = []
        self.end_s, self.deps_s = end_s, deps_s

    def agent(self, greeting: str = "") -> VoiceAgent:
        async def make_deps(info: CallInfo) -> Any:
            await asyncio.sleep(self.deps_s)
            return agent.make_deps()  # type: ignore[call-arg]

        async def on_end(deps: Any, ended: CallEnd) -> None:
            await asyncio.sleep(self.end_s)
            self.hooks.append(ended.reason)

        agent = super().agent(greeting)
        return replace(
            agent,
            make_deps=make_deps,
            on_start=lambda deps: self.hooks.append("start"),
            on_exchange=lambda deps, exchange: self.hooks.append(exchange.caller),
            on_end=on_end,
        )


@pytest.mark.parametrize("said", ["", "hello"])
def test_a_call_that_moves_begins_and_ends_once(said: str) -> None:
    """Also when nothing was said in it before it moved. Each server tells of the exchanges that it has held."""

    async def scenario() -> None:
        book, mind = Notebook(), Told()
        here, there = directory(notebook=book, mind=mind), directory(notebook=book, mind=mind)
        session, line = await connected(here)
        if said:
            session.receive_text(Text(text=said).to_json())
            await listen(session, 300)
        await here.drain(1)
        assert session.over.is_set()
        again, other = await there.find(Caller(), session.id, line.token, CallOptions()), Line()
        there.attach(again, other, line.token)
        await asyncio.sleep(0.1)
        again.receive_text(Text(text="more").to_json())
        await listen(again, 300)
        again.end("caller")
        await again.over.wait()
        await there.drain(1)
        assert mind.hooks == ["start", *([said] if said else []), "more", "caller"]

    run_virtual(scenario())


@pytest.mark.parametrize("end_s", [0, 1.5, 30])
def test_a_server_that_keeps_nothing_ends_its_calls(end_s: float) -> None:
    """Nobody can go on with them, so the hook runs before the server stops. One that takes too long is given up."""

    async def scenario() -> None:
        mind = Told(end_s=end_s)
        calls, loop = directory(mind=mind), asyncio.get_running_loop()
        await connected(calls)
        start_s = loop.time()
        await calls.drain(3, put_away=False)
        await calls.close()
        assert mind.hooks == ["start"] + ["server"] * (end_s < ENDING_S)
        assert loop.time() - start_s < 3 + 2 * ENDING_S

    run_virtual(scenario())


def test_a_hook_keeps_no_place() -> None:
    """A new call has the place of one whose hook still runs, and the drain waits for the hook."""

    async def scenario() -> None:
        mind = Told(end_s=4)
        calls = directory(limit=1, mind=mind)
        session, _ = await connected(calls)
        session.end("caller")
        await session.over.wait()
        second, _ = await connected(calls)
        second.end("caller")
        await calls.drain(10)
        assert mind.hooks == ["start", "start", "caller", "caller"]

    run_virtual(scenario())


def test_a_place_is_kept_while_the_dependencies_are_made() -> None:
    """They take 3 s, in which nobody else has the place, and 3 s later somebody has."""

    async def scenario() -> None:
        calls, loop = directory(limit=1, mind=Told(deps_s=3)), asyncio.get_running_loop()
        first = loop.create_task(calls.open(Caller(), CallOptions()), name="first")
        await asyncio.sleep(1)
        with pytest.raises(AtCapacity):
            await calls.open(Caller(), CallOptions())
        assert loop.time() == pytest.approx(1, abs=0.1)
        session = await first
        assert loop.time() == pytest.approx(3, abs=0.1)
        calls.attach(session, Line(), "")
        await calls.drain(0)

    run_virtual(scenario())


def test_dependencies_that_take_too_long_free_the_place() -> None:
    """The call is refused after the limit, and the next one finds the place."""

    async def scenario() -> None:
        mind = Told(deps_s=60)
        calls = directory(limit=1, mind=mind)
        for _ in range(2):
            with pytest.raises(AgentUnavailable):
                await calls.open(Caller(), CallOptions())
        assert len(calls) == 0
        mind.deps_s = 0
        await connected(calls)
        await calls.drain(0)

    run_virtual(scenario())
