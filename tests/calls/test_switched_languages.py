"""Calls whose language a tool of the agent switches, on virtual time."""

from dataclasses import dataclass
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

from server.agent.call_language import CallLanguage, switch_language
from server.agent.notices import TAKES_NOTICES, notice_of
from server.agent.voice_agent import VoiceAgent
from tests.calls.speakers import spoken, told
from tests.fakes.mind import Mind, last_said, newest_of
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@dataclass
class Desk:
    call_language: CallLanguage | None = None


class Linguist(Mind):
    """Its model calls the tool `switch_language` for "speak X", and says what the tool says."""

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(
            FunctionModel(stream_function=self._talk, profile=TAKES_NOTICES), deps_type=Desk, tools=[switch_language]
        )
        return VoiceAgent(agent=agent, greeting=greeting, make_deps=Desk)

    async def _talk(self, history: list[ModelMessage], info: AgentInfo) -> Any:
        self.told.append(notice_of(history))
        newest, said = newest_of(history), last_said(history)
        if isinstance(newest, ToolReturnPart):
            yield str(newest.content)
        elif said.startswith("speak "):
            yield "One moment."
            yield {0: DeltaToolCall("switch_language", f'{{"tag": "{said[6:]}"}}', tool_call_id="call")}
        else:
            yield f"You said {said}."


def test_a_tool_switches_the_language() -> None:
    """What the agent says after the tool has run is in the new language, and so is the rest of the call."""

    async def scenario() -> None:
        caller = Caller(Linguist())
        async with caller:
            await caller.say("speak de")
            await caller.until_silent()
            await caller.say("danke")
            await caller.until_silent()
        assert told(caller) == ["en", "de"]
        before, *after = spoken(caller)
        assert before == ("One moment.", "", "en")
        assert {tuple(how) for _, *how in after} == {("", "de")}
        assert after[0][0].startswith("From now on")
        assert ["tag de:" in text for text in caller.mind.told] == [False, True, True]

    run_virtual(scenario())


def test_a_tool_cannot_switch_to_a_language_that_is_not_spoken_here() -> None:
    """The model is told who does not know the language, and the call stays in its own."""

    async def scenario() -> None:
        caller = Caller(Linguist())
        async with caller:
            await caller.say("speak fr")
            await caller.until_silent()
        (answer,) = caller.answers
        assert "The call cannot be held in fr: speech-to-text does not know it. Go on in en." in answer.text
        assert {tuple(how) for _, *how in spoken(caller)} == {("", "en")}

    run_virtual(scenario())
