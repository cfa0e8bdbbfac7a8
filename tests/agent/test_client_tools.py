"""The tools of a client, beside those of the agent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.toolsets import FunctionToolset

from server.agent.client_tools import ClientTools, definition, own_tools
from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent


class Clock(FunctionToolset[None]):
    """A toolset that the server keeps entered."""

    def __init__(self) -> None:
        super().__init__([self.tell], id="clock")

    async def __aenter__(self) -> "Clock":
        return self

    async def tell(self) -> str:
        """Tell the time."""
        return "noon"


async def asked(agent: VoiceAgent, *arguments: str) -> tuple[str, list[tuple[str, dict[str, Any]]], set[str]]:
    """What the agent says after it has called the client's tool with these arguments, one after the other; what the
    client was asked; and which tools the model had."""
    calls: list[tuple[str, dict[str, Any]]] = []
    offered: set[str] = set()
    left = list(arguments)

    async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        offered.update(tool.name for tool in info.function_tools)
        newest = history[-1].parts[-1]
        if isinstance(newest, ToolReturnPart) and newest.content == "twelve":
            yield f"It is {newest.content}."
        else:
            yield {0: DeltaToolCall("look_up", left.pop(0), tool_call_id=f"call{len(history)}")}

    async def ask(call_id: str, name: str, arguments: dict[str, Any]) -> Any:
        calls.append((name, arguments))
        return "twelve"

    committed, said = asyncio.Event(), list[str]()
    committed.set()
    tools = ClientTools([definition("look_up", "Looks it up.", {})], ask)
    setup = RunSetup(agent, FunctionModel(stream_function=think), toolsets=[tools])
    await AgentRun(setup, "what is it", list).speak(said.append, committed)
    return "".join(said).strip(), calls, offered


async def test_beside_toolsets_that_the_server_holds() -> None:
    """A held toolset, such as an MCP server, does not take the place of the client's tools."""
    toolsets = Toolsets(VoiceAgent(Agent(toolsets=[Clock()])), RunLimits())
    try:
        agent = await toolsets.start()
        assert await asked(agent, '{"what": 1}') == ("It is twelve.", [("look_up", {"what": 1})], {"tell", "look_up"})
    finally:
        await toolsets.close()


@pytest.mark.parametrize("wrong", ["[1]", '"now"', "{"])
async def test_arguments_that_are_no_object(wrong: str) -> None:
    """The model is told so, and may try once more. The client is not asked."""
    agent = VoiceAgent(Agent())
    assert await asked(agent, wrong, "{}") == ("It is twelve.", [("look_up", {})], {"look_up"})


def test_the_agent_s_own_tools() -> None:
    """A client's tools may not have their names."""

    def book() -> str:
        return "booked"

    assert own_tools(Agent(tools=[book], toolsets=[Clock()])) == {"book", "tell"}


def test_a_tool_without_a_schema_takes_nothing() -> None:
    """All providers want the schema of an object."""
    assert definition("now", "", {}).parameters_json_schema == {"type": "object", "properties": {}}
    assert definition("now", "", {}).description is None
    schema = {"properties": {"what": {"type": "string"}}, "required": ["what"]}
    assert definition("look_up", "", schema).parameters_json_schema == {"type": "object", **schema}
