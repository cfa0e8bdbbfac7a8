"""ClientTools: the tools that the client of a call runs, as a toolset of the agent's runs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, FunctionToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from server.agent.run_watcher import BY_CLIENT

Ask = Callable[[str, str, dict[str, Any]], Awaitable[Any]]
"""Asks the client to run a tool: the id of the call, the tool's name and its arguments. Returns its result."""

_ANY_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))
"""Arguments are only checked to be an object: the client knows its own schema best."""


class ClientTools(AbstractToolset[Any]):
    """The tools of one client. Each call to one of them asks the client."""

    def __init__(self, tools: Sequence[ToolDefinition], ask: Ask) -> None:
        self._tools = tools
        self._ask = ask

    @property
    def id(self) -> None:
        """It has none: it lives as long as one run."""

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        """All of them, for pydantic-ai."""
        return {
            tool.name: ToolsetTool(toolset=self, tool_def=tool, max_retries=1, args_validator=_ANY_OBJECT)
            for tool in self._tools
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """Ask the client."""
        return await self._ask(ctx.tool_call_id or "", name, tool_args)


def definition(name: str, description: str, parameters: dict[str, Any]) -> ToolDefinition:
    """What the model is told of a tool, whose `parameters` are the JSON schema of an object, or nothing."""
    schema = {"type": "object", "properties": {}} | parameters
    return ToolDefinition(name=name, description=description or None, parameters_json_schema=schema, metadata=BY_CLIENT)


def own_tools(agent: AbstractAgent[Any, str]) -> frozenset[str]:
    """The names of the functions that are the agent's own tools."""
    return frozenset(
        name for toolset in agent.toolsets if isinstance(toolset, FunctionToolset) for name in toolset.tools
    )
