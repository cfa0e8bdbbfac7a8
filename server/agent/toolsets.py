"""Toolsets: the toolsets of the agent, entered once when the server starts and left once when it stops."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pydantic_ai.agent import AbstractAgent, WrapperAgent
from pydantic_ai.run import AgentRun
from pydantic_ai.toolsets import AbstractToolset, CombinedToolset, DynamicToolset, WrapperToolset

from server.agent.held_toolset import HeldToolset
from server.agent.limits import RunLimits
from server.agent.voice_agent import VoiceAgent

_FUNCTIONS_OF_THE_AGENT = "<agent>"
"""pydantic-ai's id of the toolset that holds the agent's own functions. Each run adds it by itself."""


class Toolsets:
    """Holds each toolset of the agent that has something to enter. Toolsets of mere functions stay as they are."""

    def __init__(self, voice_agent: VoiceAgent, limits: RunLimits) -> None:
        """`limits` are those of the runs. A call to a tool that reaches its limit counts as hung."""
        self._voice_agent = voice_agent
        self._limits = limits
        self._held: dict[int, HeldToolset] = {}
        """By the identity of the toolset: two wrappers of one MCP server share its connection."""

    async def start(self) -> VoiceAgent:
        """Enter the toolsets; returns the agent whose runs use them. Raises ConfigError when one cannot be entered.

        Call `close` in both cases.
        """
        agent = self._voice_agent.agent
        toolsets = [self._hold(toolset) for toolset in agent.toolsets if toolset.id != _FUNCTIONS_OF_THE_AGENT]
        if not self._held:
            return self._voice_agent
        await asyncio.gather(*(toolset.start() for toolset in self._held.values()))
        return replace(self._voice_agent, agent=_AgentWithToolsets(agent, toolsets))

    async def close(self) -> None:
        """Leave the toolsets, within the deadlines of `HeldToolset`; idempotent. Close it after the calls."""
        await asyncio.gather(*(toolset.close() for toolset in self._held.values()))

    def _hold(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any]:
        """A copy of `toolset` in which every toolset that has something to enter is held.

        Combinations and wrappers are not held, but what is inside them is: pydantic-ai makes new ones for each run.
        """
        enter = type(toolset).__aenter__
        if isinstance(toolset, CombinedToolset) and enter is CombinedToolset.__aenter__:
            return replace(toolset, toolsets=[self._hold(inside) for inside in toolset.toolsets])
        if isinstance(toolset, WrapperToolset) and enter is WrapperToolset.__aenter__:
            copied = copy.copy(toolset)
            copied.wrapped = self._hold(toolset.wrapped)
            return copied
        if isinstance(toolset, DynamicToolset) or enter is AbstractToolset.__aenter__:
            return toolset  # chosen in each run, or nothing to enter
        return self._held.setdefault(id(toolset), HeldToolset(toolset, self._limits))


class _AgentWithToolsets(WrapperAgent[Any, str]):
    """An agent whose runs use the given toolsets in place of its own."""

    def __init__(self, wrapped: AbstractAgent[Any, str], toolsets: Sequence[AbstractToolset[Any]]) -> None:
        super().__init__(wrapped)
        self._toolsets = toolsets

    @asynccontextmanager
    async def iter(self, *args: Any, **options: Any) -> AsyncGenerator[AgentRun[Any, Any]]:
        toolsets = [*self._toolsets, *(options.pop("toolsets", None) or ())]  # pydantic-ai adds none to an override
        with self.wrapped.override(toolsets=toolsets):
            async with self.wrapped.iter(*args, **options) as run:
                yield run
