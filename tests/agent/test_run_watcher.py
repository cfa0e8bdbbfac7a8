"""What a run tells of the models and tools that it asks for."""

import asyncio
import contextlib
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.toolsets import AbstractToolset
from pydantic_ai.usage import RequestUsage

from server.agent.background import Background
from server.agent.client_tools import ClientTools, definition
from server.agent.limits import RunLimits
from server.agent.ran import Outcome
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.agent.test_tool_calls import answers, broken, calling, fails, picky, quick, slow
from tests.virtual_time import run_virtual


class Note:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.models: list[tuple[str, bool, bool, bool]] = []
        """The name, whether there were words, tokens, a failure."""
        self.tools: list[tuple[str, float, Outcome]] = []

    def asked(self, model: str, took_s: float, first_s: float | None, usage: RequestUsage, failed: bool) -> None:
        assert took_s >= (first_s or 0.0)
        self.models.append((model, first_s is not None, bool(usage.output_tokens), failed))

    def ran(self, tool: str, took_s: float, outcome: Outcome) -> None:
        self.tools.append((tool, took_s, outcome))


async def run(note: Note, model: Any, *tools: Any, toolsets: Any = (), background: str = "") -> None:
    """One run, which is committed from its beginning."""
    committed = asyncio.Event()
    committed.set()
    agent = VoiceAgent(Agent(model, tools=tools))
    setup = RunSetup(
        agent, limits=RunLimits(tools_s=5), watcher=note, toolsets=toolsets, background=Background([background])
    )
    with contextlib.suppress(EngineError):
        await AgentRun(setup, "go on", list).speak(lambda text: None, committed)


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (quick, ("quick", 0.0, "returned")),
        (picky, ("picky", 0.0, "refused")),
        (broken, ("broken", 1.0, "failed")),
        (slow, ("slow", 5.0, "stopped")),
    ],
)
def test_how_a_tool_ends_is_told(tool: Any, told: tuple[str, float, Outcome]) -> None:
    """Once for each run of it, with its time."""
    note = Note()
    run_virtual(run(note, calling(tool.__name__, then=answers), tool))
    assert [(name, round(took_s, 3), outcome) for name, took_s, outcome in note.tools][:1] == [told]


def test_a_tool_in_the_background_is_told_when_it_ends() -> None:
    """The answer does not wait for it."""

    async def scenario() -> None:
        await run(note, calling("broken", then=answers), broken, background="broken")
        assert note.tools == []
        await asyncio.sleep(2)
        assert [(name, outcome) for name, _, outcome in note.tools] == [("broken", "failed")]

    note = Note()
    run_virtual(scenario())


def test_the_tools_of_a_client_have_one_name() -> None:
    """Whatever a client calls them, so that it cannot make names without end."""

    async def ask(call_id: str, name: str, arguments: dict[str, Any]) -> Any:
        return "twelve"

    note, brought = Note(), ClientTools([definition("look_up", "Looks it up.", {})], ask)
    toolsets: list[AbstractToolset[Any]] = [brought]
    run_virtual(run(note, calling("look_up", then=answers), toolsets=toolsets))
    assert [(name, outcome) for name, _, outcome in note.tools] == [("client", "returned")]


def test_each_request_to_a_model_is_told() -> None:
    """With its name; the first one calls a tool, and the second one fails before it has words."""
    note, model = Note(), calling("quick", then=fails)
    run_virtual(run(note, model, quick))
    assert note.models == [(model.model_id, True, True, False), (model.model_id, False, False, True)]
