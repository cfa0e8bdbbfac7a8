"""Watches the tools of an agent: which of them run, with which arguments, and what they return."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.agent import AbstractAgent, WrapperAgent
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ToolCallPart, ToolReturn
from pydantic_ai.run import AgentRun
from pydantic_ai.tools import ToolDefinition

from server.agent.voice_agent import VoiceAgent


@dataclass(slots=True)
class ToolRun:
    """One run of a tool."""

    name: str
    arguments: dict[str, Any]
    """As pydantic-ai has validated them."""
    result: Any = None
    """What the tool has returned; None while it runs, and when it has failed."""
    failure: BaseException | None = None
    """What the tool has raised."""
    over: bool = False
    """The tool has returned, or has raised something."""

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        if self.failure is not None:
            became = f"{type(self.failure).__name__}: {self.failure}".removesuffix(": ")
        else:
            became = repr(self.result) if self.over else "(it still runs)"
        return f"{self.name}({arguments}) → {became}"


def watched(agent: VoiceAgent, tell: Callable[[ToolRun], object]) -> VoiceAgent:
    """The same agent. `tell` is given each run of a tool when it begins, and once more when it is over."""
    return replace(agent, agent=_WatchedAgent(agent.agent, _Watch(tell)))


class _WatchedAgent(WrapperAgent[Any, str]):
    def __init__(self, wrapped: AbstractAgent[Any, str], watch: "_Watch") -> None:
        super().__init__(wrapped)
        self._watch = watch

    @asynccontextmanager
    async def iter(self, *args: Any, **options: Any) -> AsyncGenerator[AgentRun[Any, Any]]:
        capabilities = [*(options.pop("capabilities", None) or ()), self._watch]
        async with self.wrapped.iter(*args, capabilities=capabilities, **options) as run:
            yield run


class _Watch(AbstractCapability[Any]):
    def __init__(self, tell: Callable[[ToolRun], object]) -> None:
        self._tell = tell

    async def wrap_tool_execute(
        self, ctx: RunContext[Any], *, call: ToolCallPart, tool_def: ToolDefinition, args: dict[str, Any], handler: Any
    ) -> Any:
        run = ToolRun(call.tool_name, dict(args))
        self._tell(run)
        try:
            result = await handler(args)
            run.result = result.return_value if isinstance(result, ToolReturn) else result
        except BaseException as failure:
            run.failure = failure
            raise
        finally:
            run.over = True
            self._tell(run)
        return result
