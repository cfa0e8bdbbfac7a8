"""A bank whose agent asks its caller for a PIN by the keys of the telephone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.call_control import CallControl
from server.agent.notices import TAKES_NOTICES
from server.agent.voice_agent import VoiceAgent
from tests.fakes.mind import Mind, last_said, newest_of
from tests.fakes.people import Caller

PROMPT = "Please key in the four digits of your PIN."


@dataclass
class Counter:
    call: CallControl | None = None


@dataclass
class Bank(Mind):
    """An agent whose tool asks for keys: "pin" calls it. `got` has what the tool was given."""

    how: dict[str, Any] = field(default_factory=lambda: {"digits": 4, "prompt": PROMPT, "secret": True})
    background: bool = False
    stops: bool = False
    before: str = "One moment."
    got: list[str] = field(default_factory=list)
    works_s: float = 0.0

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(
            FunctionModel(stream_function=self._answer, profile=TAKES_NOTICES), deps_type=Counter, tools=[self.ask]
        )
        names = frozenset({"ask"})
        return VoiceAgent(
            agent,
            name="Bank",
            greeting=greeting,
            make_deps=Counter,
            background=names if self.background else frozenset(),
            cancellable=names if self.stops else frozenset(),
        )

    async def ask(self, context: RunContext[Counter]) -> str:
        """Ask for the PIN."""
        assert context.deps.call is not None
        pin = await context.deps.call.collect(**self.how)
        self.got.append(pin)
        await asyncio.sleep(self.works_s)
        return "the PIN is right" if pin == "4271" else "the PIN is wrong"

    async def _answer(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.requests += 1
        self.seen.append(list(history))
        await asyncio.sleep(0.1)
        newest, said = newest_of(history), last_said(history)
        if isinstance(newest, ToolReturnPart):
            yield f"Result: {newest.content}."
        elif said == "pin":
            if self.before:
                yield self.before
            yield {0: DeltaToolCall("ask", "{}", tool_call_id=f"call{self.requests}")}
        elif said.startswith("(Something") or "returned" in said:
            yield f"Result: {_result(history)}."
        else:
            yield f"You said {said}."


def _result(history: Sequence[ModelMessage]) -> str:
    text = str(history)
    return next((each for each in ("the PIN is right", "the PIN is wrong") if each in text), "nothing")


def said(caller: Caller) -> list[str]:
    return [answer.text for answer in caller.answers if answer.text]


async def key_in(caller: Caller, keys: str, each_ms: int = 200) -> None:
    for key in keys:
        caller.session.digit(key)
        await caller.wait(each_ms)


async def ask_for_pin(caller: Caller) -> None:
    """Until the prompt is over."""
    await caller.say("pin")
    for _ in range(200):
        if PROMPT in said(caller):
            return
        await caller.wait(50)
    raise AssertionError(said(caller))
