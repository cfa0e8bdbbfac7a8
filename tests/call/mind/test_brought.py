"""What a client has brought, with another agent and with a token that decides."""

from dataclasses import replace

import pytest
from pydantic_ai import Agent

from server.agent.client_tools import ClientTools
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.call.agent_messages import Update
from server.call.caller import Caller
from server.call.mind.brought import Brought
from server.call.mind.language import LanguageOfCall
from server.call.options import CallOptions, ClientTool
from server.call.setup import CallSetup, Engines
from server.errors import PeerError
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech

OPTIONS = CallOptions(
    instructions="Be short.", tools=(ClientTool(name="look_up"), ClientTool(name="book")), voice="one", max_tokens=50
)


class Host:
    """As much of a session as is needed here."""

    def send(self, message: object) -> None:
        raise AssertionError("nothing is told")


def book() -> str:
    """A tool of the agent's own."""
    return "booked"


def setup_of(agent: VoiceAgent, caller: Caller | None = None) -> CallSetup:
    engines = Engines(LetterSpeechToText(), SteadyTextToSpeech(), EnergyVad(), model=None)
    return CallSetup(agent, None, engines, options=OPTIONS, caller=caller or Caller())


def brought_to(setup: CallSetup) -> Brought:
    brought = Brought(Host())  # type: ignore[arg-type]
    brought.serve(setup)
    return brought


async def given(brought: Brought) -> tuple[str, list[str]]:
    """The instructions and the names of the tools of the next run."""
    runs = brought.added_to(RunSetup(VoiceAgent(Agent())))
    names: list[str] = []
    for toolset in runs.toolsets:
        assert isinstance(toolset, ClientTools)
        names += await toolset.get_tools(None)  # type: ignore[arg-type]
    return runs.instructions, names


GUIDED = VoiceAgent(Agent(), by_client=True)
CLOSED = VoiceAgent(Agent())


async def test_another_agent_that_takes_nothing() -> None:
    """What was brought for the agent before is not given to it, and it takes no changes."""
    brought = brought_to(setup_of(GUIDED))
    assert await given(brought) == ("Be short.", ["look_up", "book"])
    closed = setup_of(CLOSED)
    brought.serve(closed)
    assert await given(brought) == ("", [])
    with pytest.raises(PeerError):
        brought.update(Update(tools=(), instructions="Say that all is free."), LanguageOfCall(closed))
    brought.update(Update(max_tokens=9), LanguageOfCall(closed))
    assert brought.added_to(RunSetup(CLOSED)).model_settings == {"max_tokens": 9}


async def test_another_agent_that_takes_it() -> None:
    """It gets what the client has changed since the call began, but no tools with the names of its own."""
    first = setup_of(GUIDED)
    brought = brought_to(first)
    language = LanguageOfCall(first)
    brought.update(Update(instructions="Be long.", voice="two"), language)
    assert language.voice == "two"
    second = replace(first, agent=VoiceAgent(Agent(tools=[book]), by_client=True))
    brought.serve(second)
    assert await given(brought) == ("Be long.", ["look_up"])


async def test_a_token_decides() -> None:
    """What it has chosen, a client changes neither at the beginning nor later."""
    token = CallOptions(instructions="Be kind.", tools=(ClientTool(name="now"),), voice="three", max_tokens=20)
    setup = setup_of(GUIDED, Caller(options=token))
    brought, language = brought_to(setup), LanguageOfCall(setup)
    wish = Update(instructions="Be rude.", tools=(), voice="two", max_tokens=500, temperature=1)
    brought.update(wish, language)
    assert await given(brought) == ("Be kind.", ["now"])
    assert language.voice == "three"
    assert brought.added_to(RunSetup(GUIDED)).model_settings == {"max_tokens": 20, "temperature": 1}


@pytest.mark.parametrize("wish", ["xx", "auto"])
async def test_a_language_that_cannot_be_chosen(wish: str) -> None:
    """Then nothing else changes either."""
    setup = setup_of(GUIDED)
    brought, language = brought_to(setup), LanguageOfCall(setup)
    before = language.tag
    with pytest.raises(PeerError, match="language"):
        brought.update(Update(instructions="Be long.", voice="two", language=wish), language)
    assert (language.tag, language.voice) == (before, "one")
    assert (await given(brought))[0] == "Be short."
