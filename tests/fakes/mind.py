"""A scripted model."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponsePart,
    SystemPromptPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.notices import TAKES_NOTICES, notice_of
from server.agent.voice_agent import VoiceAgent


@dataclass
class Desk:
    hang_up_requested: bool = False
    booked: list[str] = field(default_factory=list)


@dataclass
class Mind:
    """A scripted model. `answers` maps what the caller says to the answer; "book X" calls the tool, "bye" hangs up.

    The first word comes after `first_token_ms`, and each next one after `token_ms`. `requests` counts the requests, and
    the first `failures` of them fail. `seen` has the history of each request.
    """

    first_token_ms: float = 50
    token_ms: float = 5
    answers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    seen: list[list[ModelMessage]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """The instructions and the notice of each request."""
    tool_s: float = 0.0
    cancellable: tuple[str, ...] = ()
    """The tools that stop when the caller goes on."""

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(
            FunctionModel(stream_function=self._think, profile=TAKES_NOTICES),
            deps_type=Desk,
            tools=[self.book, self.hang_up],
        )
        return VoiceAgent(
            agent=agent, name="Test", greeting=greeting, make_deps=Desk, cancellable=frozenset(self.cancellable)
        )

    async def book(self, what: str) -> str:
        """Book something."""
        await asyncio.sleep(self.tool_s)
        self.booked.append(what)
        return f"booked {what}"

    booked: list[str] = field(default_factory=list)

    async def hang_up(self, context: RunContext[Desk]) -> str:
        """End the call."""
        context.deps.hang_up_requested = True
        return "it was good to hear from you, goodbye"

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.requests += 1
        self.seen.append(list(history))
        self.told.append(f"{info.instructions or ''}{notice_of(history)}")
        await asyncio.sleep(self.first_token_ms / 1000)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the provider is down")
        newest = newest_of(history)
        if isinstance(newest, ToolReturnPart):
            text = f"Done: {newest.content}."
        else:
            said = last_said(history)
            if said.startswith("book "):
                yield "One moment."
                yield {0: DeltaToolCall("book", f'{{"what": "{said[5:]}"}}', tool_call_id=f"call{self.requests}")}
                return
            if said == "bye":
                yield {0: DeltaToolCall("hang_up", "{}", tool_call_id=f"call{self.requests}")}
                return
            text = self.answers.get(said, f"You said {said}.")
        for word in text.split(" "):
            yield word + " "
            await asyncio.sleep(self.token_ms / 1000)


def newest_of(history: Sequence[ModelMessage]) -> ModelRequestPart | ModelResponsePart:
    """What is new in a request, beside its notice."""
    return [part for part in history[-1].parts if not isinstance(part, SystemPromptPart)][-1]


def last_said(history: Sequence[ModelMessage]) -> str:
    """The caller's last words."""
    parts = [part for message in history if isinstance(message, ModelRequest) for part in message.parts]
    return next(str(part.content) for part in reversed(parts) if isinstance(part, UserPromptPart))
