"""A house of agents that pass calls on to each other, on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel

from server.agent.notices import TAKES_NOTICES, notice_of
from server.agent.passing_on import HandOver, PassingOn, Transfer
from server.agent.recollection import PROMPT
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from server.media.frame import FRAME_MS
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Desk, Mind, last_said, newest_of
from tests.fakes.people import CALM, Caller


@dataclass
class House(Mind):
    """The mind of all agents. "go to X" passes the call on, after `works_s`; `made` has what each agent was given."""

    works_s: float = 0.0
    made: list[Any] = field(default_factory=list)
    fails: bool = False
    says: str = "They will help you with that now."
    summaries: int = 0

    def agent(self, greeting: str = "", name: str = "first", **how: Any) -> VoiceAgent:
        async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
            self.seen.append(list(history))
            self.told.append(f"{info.instructions or ''}{notice_of(history)}")
            self.requests += 1
            await asyncio.sleep(0.05)
            newest, said = newest_of(history), last_said(history)
            if said.startswith(PROMPT):
                self.summaries += 1
                yield "Summary: the caller likes tea."
            elif self.fails:
                raise RuntimeError("the provider is down")
            elif isinstance(newest, ToolReturnPart):
                yield self.says
            elif said.startswith("go to "):
                yield {0: DeltaToolCall("go", f'{{"to": "{said[6:].split()[0]}"}}', tool_call_id=f"go{self.requests}")}
            else:
                yield f"{name} heard {said}."

        async def go(to: str) -> PassingOn:
            await asyncio.sleep(self.works_s)
            self.requests += 1
            return Transfer("+4930") if to == "somebody" else HandOver(to, given=self.requests)

        model = WrapperModel(FunctionModel(stream_function=think, profile=TAKES_NOTICES))
        agent = Agent(model, deps_type=Desk, tools=[go])
        return VoiceAgent(agent, name=name, greeting=greeting, make_deps=Desk, **how)


def call(house: House, settings: CallSettings = CALM, stt: LetterSpeechToText | None = None, **how: Any) -> Caller:
    others = {name: house.agent(name=name) for name in ("second", "third")}
    return Caller(house, stt, settings=settings, others=others, **how)


def present(caller: Caller) -> str:
    return caller.session.switchboard.present.agent.name


def type_in(caller: Caller, text: str) -> None:
    caller.session.receive_text(messages.Text(text=text).to_json())


async def until(caller: Caller, text: str) -> None:
    """Until the caller has heard `text` to its end."""
    for _ in range(2_000):
        if any(text in answer.text for answer in caller.answers):
            return
        await caller.wait(FRAME_MS)
    raise AssertionError([answer.text for answer in caller.answers])
