"""What models and tools write, made fit to be spoken and to be sent again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.agent.written import Written, written
from server.errors import EngineError
from tests.virtual_time import run_virtual

TAGS = ["<think>", "</think>", "<Thinking>", "</thinking>", "<reasoning>", "</reasoning>"]
PIECES = st.lists(st.sampled_from([*TAGS, "<", "</", "thin", "We are open. ", "5 < 6", "\ud83d", "\ude00", "😀", "\n"]))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>The caller wants hours.</think>We are open.", "We are open."),
        ("<think>\nShort.\n</think>\n\nWe are open.", "\n\nWe are open."),
        ("We are <thought>hm</thought>open.", "We are open."),
        ("<THINK>one</THINK>We <reasoning>two</reasoning>are.", "We are."),
        ("The caller wants hours.</think>We are open.", "The caller wants hours.We are open."),
        ("<think>It never comes to an end.", ""),
        ("Is 4 < 5, and <b> no tag?", "Is 4 < 5, and <b> no tag?"),
        ("It ends with <th", "It ends with <th"),
        ("Great \ud83d\ude00 it is.", "Great 😀 it is."),
        ("Great \udcaf it is \ud83d", "Great  it is "),
    ],
)
def test_thoughts_and_half_characters_are_left_out(text: str, spoken: str) -> None:
    """Also when each character comes alone."""
    stream = Written()
    assert "".join([*map(stream.receive, text), stream.finish()]) == written(text) == spoken


@given(PIECES, st.data())
def test_it_does_not_matter_where_the_stream_is_cut(pieces: list[str], data: st.DataObject) -> None:
    """However a text is cut into deltas, the same is spoken, and it can be sent."""
    text = "".join(pieces)
    stream, given = Written(), ""
    while text:
        cut = data.draw(st.integers(1, len(text)))
        given, text = given + stream.receive(text[:cut]), text[cut:]
    given += stream.finish()
    assert given == written("".join(pieces))
    given.encode()


def speaking(*deltas: str) -> tuple[AgentRun, list[list[ModelMessage]]]:
    """A run whose model writes these deltas after it has called a tool, and the requests that it gets."""
    asked: list[list[ModelMessage]] = []

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        asked.append(messages)
        if isinstance(messages[-1].parts[-1], ToolReturnPart):
            for delta in deltas:
                yield delta
        else:
            yield "<think>I ask.</think>One \ud83d\ude00 moment."
            yield {1: DeltaToolCall("ask", "{}", tool_call_id="one")}

    async def ask() -> dict[str, list[str]]:
        """Ask."""
        return {"names": ["\udcafAnn"]}

    return AgentRun(
        RunSetup(VoiceAgent(Agent(FunctionModel(stream_function=think), tools=[ask]))), "hello", list
    ), asked


def test_the_model_is_told_only_what_can_be_sent() -> None:
    """Neither the text before a tool, nor the result of the tool, nor the answer has thoughts or half characters."""

    async def scenario() -> None:
        run, asked = speaking("<th", "ink>hm</think>It is \ud83d", "\ude00.")
        committed, spoken = asyncio.Event(), []
        committed.set()
        await run.speak(spoken.append, committed)
        assert "".join(spoken) == "One 😀 moment.\nIt is 😀."
        assert isinstance(first := asked[1][-2], ModelResponse)
        assert first.text == "One 😀 moment."
        assert [part.content for part in asked[1][-1].parts if isinstance(part, ToolReturnPart)] == [{"names": ["Ann"]}]
        texts = [part.content for message in run.messages() for part in message.parts if isinstance(part, TextPart)]
        assert texts == ["One 😀 moment.", "It is 😀."]

    run_virtual(scenario())


def test_a_result_that_no_model_can_be_told_is_the_tools_failure() -> None:
    """The model is not blamed for it."""

    async def scenario() -> None:
        async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[DeltaToolCalls]:
            yield {0: DeltaToolCall("odd", "{}", tool_call_id="one")}

        async def odd() -> object:
            """Return what is no JSON."""
            return asyncio.Lock()

        run = AgentRun(RunSetup(VoiceAgent(Agent(FunctionModel(stream_function=think), tools=[odd]))), "hello", list)
        committed = asyncio.Event()
        committed.set()
        with pytest.raises(EngineError, match="The tool odd failed") as failure:
            await run.speak(lambda text: None, committed)
        assert failure.value.stage == "tool"

    run_virtual(scenario())


@pytest.mark.parametrize("ids", [["same", "same"], ["one", "two"], ["same", "same", "same"]])
def test_each_tool_call_has_an_id_of_its_own(ids: list[str]) -> None:
    """Also when the model gives several calls one id, in one response and in the next: each runs and has its result."""
    booked: list[str] = []

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if len(messages) > 4:
            yield "Done."
        else:
            yield {
                n: DeltaToolCall("book", f'{{"what": "{len(messages)} {n}"}}', tool_call_id=call_id)
                for n, call_id in enumerate(ids)
            }

    async def book(what: str) -> str:
        booked.append(what)
        return f"booked {what}"

    async def scenario() -> None:
        run = AgentRun(RunSetup(VoiceAgent(Agent(FunctionModel(stream_function=think), tools=[book]))), "hello", list)
        committed = asyncio.Event()
        committed.set()
        await run.speak(lambda text: None, committed)
        parts = [part for message in run.messages() for part in message.parts]
        calls = [part.tool_call_id for part in parts if isinstance(part, ToolCallPart)]
        results = {part.tool_call_id: part.content for part in parts if isinstance(part, ToolReturnPart)}
        assert len(set(calls)) == 2 * len(ids)
        assert sorted(results) == sorted(calls)
        assert sorted(map(str, results.values())) == sorted(f"booked {what}" for what in booked)

    run_virtual(scenario())


def test_an_answer_of_spaces_is_asked_for_again() -> None:
    """It is no answer, and some providers refuse a history with it."""
    answers = ["  \n ", "We are open."]

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield answers.pop(0)

    async def scenario() -> None:
        run = AgentRun(RunSetup(VoiceAgent(Agent(FunctionModel(stream_function=think)))), "hello", list)
        spoken: list[str] = []
        await run.speak(spoken.append, asyncio.Event())
        assert "".join(spoken).strip() == "We are open."
        texts = [part.content for message in run.messages() for part in message.parts if isinstance(part, TextPart)]
        assert [text for text in texts if text] == ["We are open."]

    run_virtual(scenario())


def test_arguments_that_are_cut_off_are_the_models_fault() -> None:
    """The agent is not blamed for it."""

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[DeltaToolCalls]:
        yield {0: DeltaToolCall("book", '{"what": "a ta', tool_call_id="one")}

    async def book(what: str) -> str:
        raise AssertionError("it is not called")

    async def scenario() -> None:
        run = AgentRun(RunSetup(VoiceAgent(Agent(FunctionModel(stream_function=think), tools=[book]))), "hello", list)
        committed = asyncio.Event()
        committed.set()
        with pytest.raises(EngineError, match="The model did not come to an answer") as failure:
            await run.speak(lambda text: None, committed)
        assert failure.value.stage == "model"

    run_virtual(scenario())
