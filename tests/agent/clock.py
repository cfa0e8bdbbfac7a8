"""A toolset that takes time to connect, the agent that has it, and one turn of this agent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.toolsets import FunctionToolset

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent

CONNECT_S = 0.7
TRY_AGAIN = "try again"
LIMITS = RunLimits()


class Clock(FunctionToolset[None]):
    """A toolset that takes 0.7 s to connect. It keeps no count of its users, and its connection can be cut."""

    def __init__(self, name: str = "clock") -> None:
        super().__init__([self.tell], id=name)
        self.entries = self.exits = 0
        self.entered_by = self.left_by = asyncio.current_task()
        self.connected = self.down = self.hangs = self.cancelled = False
        self.calls = 0

    async def __aenter__(self) -> "Clock":
        self.entries += 1
        self.entered_by = asyncio.current_task()
        await asyncio.sleep(CONNECT_S)
        if self.hangs:
            await asyncio.Event().wait()
        if self.cancelled:
            raise asyncio.CancelledError
        if self.down:
            raise ConnectionRefusedError("nobody\nis there")
        self.connected = True
        return self

    async def __aexit__(self, *args: Any) -> None:
        self.exits += 1
        self.left_by = asyncio.current_task()
        self.connected = False

    async def tell(self) -> str:
        """Tell the time."""
        self.calls += 1
        if not self.connected:
            raise ConnectionResetError
        if self.hangs:
            await asyncio.Event().wait()
        return "noon"


async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    """Call the first tool that is not an output, and say what it has returned; after a refusal, call it once more."""
    newest = history[-1].parts[-1]
    if isinstance(newest, ToolReturnPart) and newest.content != TRY_AGAIN:
        yield f"It is {newest.content}."
    else:
        yield {0: DeltaToolCall(info.function_tools[0].name, "{}", tool_call_id=f"call{len(history)}")}


def agent_with(*toolsets: Any, **options: Any) -> VoiceAgent:
    model = FunctionModel(stream_function=think)
    return VoiceAgent(Agent(model, toolsets=toolsets, **options), cancellable=frozenset({"tell"}))


async def ask(agent: VoiceAgent) -> str:
    """One turn."""
    committed, said = asyncio.Event(), list[str]()
    committed.set()
    await AgentRun(RunSetup(agent), "what time is it", list).speak(said.append, committed)
    return "".join(said).strip()


@dataclass
class Holding:
    """The toolsets of an agent, as the server holds them."""

    voice_agent: VoiceAgent
    toolsets: Toolsets = field(init=False)

    async def __aenter__(self) -> VoiceAgent:
        self.toolsets = Toolsets(self.voice_agent, LIMITS)
        try:
            return await self.toolsets.start()
        except BaseException:
            await self.toolsets.close()
            raise

    async def __aexit__(self, *args: Any) -> None:
        await self.toolsets.close()
