"""The toolsets of the agent are entered once, for all runs, and left once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.toolsets import AbstractToolset, CombinedToolset, FunctionToolset

from server.agent.held_toolset import DRAIN_S, ENTER_S, LEAVE_S
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent
from server.errors import ConfigError
from tests.agent.clock import CONNECT_S, LIMITS, Clock, Holding, agent_with, ask
from tests.started import START_S, Started, started
from tests.virtual_time import run_virtual


def test_turns_do_not_wait_for_a_toolset_to_connect() -> None:
    """Two turns of two calls each use one connection, made by the task that closes it at the end."""

    async def scenario() -> None:
        clock = Clock()
        async with Holding(agent_with(clock)) as agent:
            began = asyncio.get_running_loop().time()
            for _ in range(2):
                assert await asyncio.gather(ask(agent), ask(agent)) == ["It is noon."] * 2
            assert asyncio.get_running_loop().time() - began < CONNECT_S
            assert (clock.entries, clock.exits, clock.calls) == (1, 0, 4)
        assert (clock.entries, clock.exits) == (1, 1)
        assert clock.entered_by is clock.left_by, "as the cancel scopes of anyio demand"

    run_virtual(scenario())


def test_what_wraps_a_toolset_does_not_hide_it() -> None:
    """One toolset in two wrappers, in a combination: it is entered once."""

    async def scenario() -> None:
        clock = Clock()
        one, other = clock.prefixed("wall"), clock.filtered(lambda context, tool: True)
        async with Holding(agent_with(CombinedToolset([one, other]))) as agent:
            assert await ask(agent) == "It is noon."
        assert (clock.entries, clock.exits) == (1, 1)

    run_virtual(scenario())


def test_an_agent_of_functions_stays_as_it_is() -> None:
    """There is nothing to enter, so the runs use the agent itself."""

    async def scenario() -> None:
        async def tell() -> str:
            return "noon"

        plain = agent_with(FunctionToolset([tell]))
        async with Holding(plain) as agent:
            assert agent is plain

    run_virtual(scenario())


def test_toolsets_beside_functions_and_choices_of_a_run() -> None:
    """The agent's own functions, and a toolset that a function chooses for each run, are there as before."""

    async def scenario() -> None:
        async def own() -> str:
            return "own"

        def choose(context: RunContext[None]) -> AbstractToolset[None]:
            chosen.append(Clock())
            return chosen[-1].prefixed("chosen")

        async def list_them(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            yield " ".join(sorted(tool.name for tool in info.function_tools))

        chosen: list[Clock] = []
        model, held = FunctionModel(stream_function=list_them), Clock()
        async with Holding(VoiceAgent(Agent(model, toolsets=[held, choose], tools=[own]))) as agent:
            assert await ask(agent) == await ask(agent) == "chosen_tell own tell"
        assert (held.entries, held.exits) == (1, 1)
        assert [(one.entries, one.exits) for one in chosen] == [(1, 1), (1, 1)]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("down", "ConnectionRefusedError: nobody"),
        ("hangs", f"TimeoutError: longer than {ENTER_S:g} s"),
        ("cancelled", "its connection was cancelled"),
    ],
)
def test_a_toolset_that_cannot_be_entered_keeps_the_server_from_starting(broken: str, why: str) -> None:
    """The operator reads which toolset and why, in one line; the toolsets that were entered are left."""

    async def scenario() -> None:
        well, clock = Clock("well"), Clock()
        setattr(clock, broken, True)
        with pytest.raises(ConfigError) as failure:
            async with Holding(agent_with(well, clock)):
                pass
        assert str(failure.value) == f"ANTIPHON_AGENT: the toolset Clock 'clock' cannot be entered: {why}"
        assert (clock.entries, clock.exits) == (1, 0)
        assert (well.entries, well.exits) in ((1, 0), (1, 1))
        assert not well.connected

    run_virtual(scenario())


def test_closing_twice_leaves_once() -> None:
    """`close` may come twice: a toolset is left once."""

    async def scenario() -> None:
        clock = Clock()
        toolsets = Toolsets(agent_with(clock), LIMITS)
        await toolsets.start()
        await toolsets.close()
        await toolsets.close()
        assert (clock.entries, clock.exits) == (1, 1)

    run_virtual(scenario())


def test_a_toolset_that_does_not_let_go_does_not_keep_the_server_from_stopping() -> None:
    """Leaving it has a deadline."""

    async def scenario() -> None:
        class Clinging(Clock):
            async def __aexit__(self, *args: Any) -> None:
                await super().__aexit__()
                await asyncio.Event().wait()

        clinging, loop = Clinging(), asyncio.get_running_loop()
        async with Holding(agent_with(clinging)) as agent:
            assert await ask(agent) == "It is noon."
            began = loop.time()
        assert loop.time() - began <= DRAIN_S + LEAVE_S

    run_virtual(scenario())


AGENT = """
from pathlib import Path
from pydantic_ai import Agent
from pydantic_ai.toolsets import FunctionToolset
from server.agent.voice_agent import VoiceAgent

class Noted(FunctionToolset):
    def note(self, what):
        with Path(__file__).with_name("notes").open("a") as notes:
            notes.write(what + " ")
    async def __aenter__(self):
        self.note("entered")
        return self
    async def __aexit__(self, *args):
        self.note("left")

class Away(FunctionToolset):
    async def __aenter__(self):
        raise ConnectionRefusedError("nobody is there")

well = VoiceAgent(Agent("test", toolsets=[Noted()]))
away = VoiceAgent(Agent("test", toolsets=[Noted(), Away()]))
"""


def test_a_server_enters_its_toolsets_when_it_starts_and_leaves_them_when_it_stops(tmp_path: Path) -> None:
    """They are entered when the server says where it is, and left once when it has ended."""
    (tmp_path / "agent.py").write_text(AGENT)
    with started("--agent", f"{tmp_path}/agent.py:well"):
        assert (tmp_path / "notes").read_text() == "entered "
    assert (tmp_path / "notes").read_text() == "entered left "


def test_a_server_whose_toolset_cannot_be_entered_does_not_start(tmp_path: Path) -> None:
    """It says why in one line, and leaves the toolsets that it has entered."""
    (tmp_path / "agent.py").write_text(AGENT)
    server = Started("--agent", f"{tmp_path}/agent.py:away")
    assert server.process.wait(START_S) == 2
    server.stop()
    why = "the toolset Away cannot be entered: ConnectionRefusedError: nobody is there"
    assert server.lines[-1].endswith(f"ANTIPHON_AGENT: {why}")
    assert (tmp_path / "notes").read_text() == "entered left "
