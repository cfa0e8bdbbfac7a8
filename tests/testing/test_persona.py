"""A model that plays the caller."""

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from antiphon import VoiceAgent
from antiphon.testing import Persona, ScriptedModel, call, run

agent = VoiceAgent(
    Agent(ScriptedModel({"table": "For how many people?", r"for (\w+)": r"A table for \1 it is.", "": "Goodbye."})),
    greeting="Hello, restaurant Olive.",
)


def person(*lines: str) -> tuple[Persona, list[str]]:
    """A person who says these lines, and what they have heard before each."""
    heard: list[str] = []
    rest = list(lines)

    def play(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert "a hungry person" in (info.instructions or "")
        (prompt,) = (part for part in messages[-1].parts if isinstance(part, UserPromptPart))
        heard.append(str(prompt.content))
        return ModelResponse(parts=[TextPart(rest.pop(0))])

    return Persona("a hungry person", FunctionModel(play)), heard


def test_a_whole_talk_is_one_step() -> None:
    """The person hears each answer, and hangs up; what was said in all of the talk counts."""
    persona, heard = person("I want a table", "for two", "Thank you, goodbye. [hangs up]")

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.talks(persona)
            caller.expect_said("for how many")
            caller.expect_said("A table for two it is.")
            assert "  caller  said 'Thank you, goodbye.'" in str(caller).splitlines()

    run(scenario())
    assert heard == ["Hello, restaurant Olive.", "For how many people?", "A table for two it is."]


def test_a_person_may_hang_up_without_a_word() -> None:
    """Nothing is said then."""
    persona, _heard = person("[hangs up]")

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.talks(persona)
            assert len(caller.answers) == 1

    run(scenario())


def test_a_talk_that_does_not_end_is_an_error() -> None:
    """After so many turns."""
    persona, heard = person("hm", "hm", "hm", "hm")

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.talks(persona, turns=3)

    with pytest.raises(AssertionError, match="the talk has not come to an end within 3 turns, after the caller talked"):
        run(scenario())
    assert len(heard) == 3
