"""One run of the agent: it gives text as the model makes it, and runs tools after the commit."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from tests.agent.runs import begin
from tests.fakes.mind import Mind
from tests.virtual_time import run_virtual


def test_text_comes_as_the_model_makes_it() -> None:
    """Each word is passed on at once, and the messages at the end are the whole exchange."""

    async def scenario() -> None:
        run, got = begin(Mind(), "hello"), []
        await run.speak(got.append, asyncio.Event())
        assert got == ["You ", "said ", "hello. "]
        request, response = run.messages()
        assert isinstance(request, ModelRequest)
        assert isinstance(response, ModelResponse)
        assert response.text == "You said hello. "

    run_virtual(scenario())


@pytest.mark.parametrize("history", [[], [ModelResponse(parts=[TextPart("Good morning.")])]])
def test_the_agents_system_prompt_comes_first(history: list[ModelMessage]) -> None:
    """The model gets it once, also in a call that begins with the agent's greeting. It is no part of the exchange."""

    async def read(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        given.extend(messages)
        yield "Yes."

    async def scenario() -> None:
        agent = Agent(FunctionModel(stream_function=read), system_prompt="You are Marta.")
        run = AgentRun(RunSetup(VoiceAgent(agent)), "are you there", lambda: history)
        await run.speak(lambda text: None, asyncio.Event())
        first, *others = [part for message in given for part in message.parts]
        assert isinstance(first, SystemPromptPart)
        assert first.content == "You are Marta."
        assert not any(isinstance(part, SystemPromptPart) for part in others)
        said = [part for message in run.messages() for part in message.parts]
        assert [type(part) for part in said] == [UserPromptPart, TextPart]

    given: list[ModelMessage] = []
    run_virtual(scenario())


def test_a_tool_runs_only_after_the_commit() -> None:
    """Before the commit the text in front of the tool call is given, and the tool has no effect."""

    async def scenario() -> None:
        mind, committed, got = Mind(), asyncio.Event(), []
        run = begin(mind, "book a table")
        task = asyncio.create_task(run.speak(got.append, committed))
        await asyncio.sleep(60)
        assert (got, mind.booked, run.tools) == (["One moment.", "\n"], [], [])
        committed.set()
        await task
        assert mind.booked == ["a table"]
        assert run.tools == ["book"]

    run_virtual(scenario())


@pytest.mark.parametrize("changed", [(), ("hang_up",)])
def test_a_tool_that_only_looks_something_up_need_not_wait(changed: tuple[str, ...]) -> None:
    """A tool that the agent names as a lookup runs before the commit, unless a tool with effects is called with it."""

    async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if isinstance(history[-1].parts[-1], ToolReturnPart):
            yield "It is noon."
        else:
            yield {n: DeltaToolCall(name, "{}", tool_call_id=name) for n, name in enumerate(("clock", *changed))}

    async def scenario() -> None:
        agent = Agent(FunctionModel(stream_function=think), tools=[clock, hang_up])
        run = AgentRun(RunSetup(VoiceAgent(agent, lookups=frozenset({"clock"}))), "what time is it", list)
        committed, got = asyncio.Event(), []
        task = asyncio.create_task(run.speak(got.append, committed))
        await asyncio.sleep(60)
        assert task.done() is not bool(changed)
        assert run.tools == ([] if changed else ["clock"])
        committed.set()
        await task
        assert got == ["\n", "It is noon."]

    async def clock() -> str:
        return "noon"

    async def hang_up() -> str:
        return "bye"

    run_virtual(scenario())


def test_an_answer_that_is_cut_off_is_in_the_messages_as_far_as_it_came() -> None:
    """When the run is cancelled in the middle of the text, the messages end with the words so far."""

    async def scenario() -> None:
        run = begin(Mind(token_ms=1000), "hello")
        task = asyncio.create_task(run.speak(lambda text: None, asyncio.Event()))
        await asyncio.sleep(1.5)
        task.cancel()
        await asyncio.wait({task})
        assert [part.content for part in run.messages()[-1].parts if isinstance(part, TextPart)] == ["You said "]

    run_virtual(scenario())
