"""What callers hear of an agent with output validators or output functions, and what its history says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic_ai import Agent, ModelRetry, RunContext, TextOutput, ToolOutput
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    RetryFeedbackPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel

from antiphon.testing import ScriptedModel, ToolCall, call
from antiphon.testing import run as run_call
from server.agent.output import has_functions, is_text, other_function
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.virtual_time import run_virtual

Step = str | DeltaThinkingPart | DeltaToolCall


def model(*responses: list[Step], pause_s: float = 0.0) -> FunctionModel:
    """Gives one response after the other, and waits after each piece."""
    left = list(responses)

    async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        for step in left.pop(0):
            yield step if isinstance(step, str) else {0: step}
            await asyncio.sleep(pause_s)

    return FunctionModel(stream_function=think)


def never_cheap(output: str) -> str:
    if "cheap" in output:
        raise ModelRetry("Say the price.")
    return output.replace("dollars", "euros")


def validated(*responses: list[Step], pause_s: float = 0.0, **options: Any) -> Agent[None, str]:
    agent = Agent(model(*responses, pause_s=pause_s), **options)
    agent.output_validator(never_cheap)
    return agent


def shout(text: str) -> str:
    return text.upper()


async def speak(run: AgentRun) -> list[str]:
    heard: list[str] = []
    committed = asyncio.Event()
    committed.set()
    await run.speak(heard.append, committed)
    return heard


def begin(agent: Agent[Any, str]) -> AgentRun:
    return AgentRun(RunSetup(VoiceAgent(agent)), "what does it cost", list)


def parts_of(run: AgentRun) -> list[Any]:
    return [part for message in run.messages() for part in message.parts][1:]


def said(run: AgentRun) -> list[str]:
    return [part.content for part in parts_of(run) if isinstance(part, TextPart)]


def test_nothing_of_a_rejected_answer_is_heard() -> None:
    """The model answers again. The caller hears, and the history holds, what the validator returned."""

    async def scenario() -> None:
        run = begin(validated(["It is ", "cheap."], ["It is ", "nine dollars."]))
        assert await speak(run) == ["It is nine euros."]
        assert [(type(part), part.content) for part in parts_of(run)] == [(TextPart, "It is nine euros.")]
        assert all(message.parts for message in run.messages())

    run_virtual(scenario())


@pytest.mark.parametrize("output_type", [TextOutput(shout), [TextOutput(shout)]])
def test_a_function_says_what_is_spoken(output_type: Any) -> None:
    """Its text is handed on in one piece, after the model's last word."""

    async def scenario() -> None:
        run = begin(Agent(model(["It is ", "nine dollars."]), output_type=output_type))
        assert await speak(run) == ["IT IS NINE DOLLARS."]
        assert said(run) == ["IT IS NINE DOLLARS."]

    run_virtual(scenario())


@pytest.mark.parametrize("output_type", [shout, ToolOutput(shout), [str, shout]])
def test_a_function_that_is_called_as_a_tool_says_what_is_spoken(output_type: Any) -> None:
    """The history holds the call, its result and the text, so that it can be sent again."""

    async def scenario() -> None:
        calls = model([DeltaToolCall("final_result", '{"text": "nine dollars"}', tool_call_id="c")])
        run = begin(Agent(calls, output_type=output_type))
        assert await speak(run) == ["NINE DOLLARS"]
        assert [type(part) for part in parts_of(run)] == [ToolCallPart, ToolReturnPart, TextPart]

    run_virtual(scenario())


def test_text_before_a_tool_call_is_not_heard() -> None:
    """No validator sees it, so it is left out, of the history too. The tool and its result stay."""

    async def book() -> str:
        return "booked"

    async def scenario() -> None:
        calls: list[Step] = ["That is cheap.", DeltaToolCall("book", "{}", tool_call_id="c")]
        run = begin(validated(calls, ["It is booked."], tools=[book]))
        assert await speak(run) == ["It is booked."]
        assert said(run) == ["It is booked."]
        assert [type(part) for part in parts_of(run)] == [ToolCallPart, ToolReturnPart, TextPart]

    run_virtual(scenario())


def test_an_agent_without_validators_is_heard_at_once() -> None:
    """So is one whose other outputs are made without a function of its author."""

    async def scenario() -> None:
        for kinds in (str, [str, int]):
            assert await speak(begin(Agent(model(["It is ", "nine."]), output_type=kinds))) == ["It is ", "nine."]

    run_virtual(scenario())


def test_what_was_said_while_the_caller_waited_stays() -> None:
    """The agent's waiting line stands before the answer, whichever response it was said beside."""

    async def scenario() -> None:
        first: list[Step] = [DeltaThinkingPart(content="Hm."), "It is cheap."]
        run = begin(validated(first, ["It is nine."], pause_s=2))
        task = asyncio.create_task(speak(run))
        await asyncio.sleep(1)
        run.add_aside("One moment.")
        assert await task == ["It is nine."]
        assert said(run) == ["One moment.", "It is nine."]
        assert not any(isinstance(part, RetryFeedbackPart | ThinkingPart) for part in parts_of(run))

    run_virtual(scenario())


@pytest.mark.parametrize("cancelled_s", [1, 3, 5, 7])
def test_an_answer_that_is_given_up_leaves_nothing_unheard(cancelled_s: float) -> None:
    """The caller goes on before the output is accepted: the history holds the line that was said, and no text."""

    async def scenario() -> None:
        run = begin(validated(["It is ", "cheap."], ["It is ", "nine."], pause_s=2))
        task = asyncio.create_task(speak(run))
        await asyncio.sleep(0.5)
        run.add_aside("One moment.")
        await asyncio.sleep(cancelled_s - 0.5)
        task.cancel()
        await asyncio.wait({task})
        assert said(run) == ["One moment."]
        assert [type(message) for message in run.messages()][1:] == [ModelResponse]

    run_virtual(scenario())


def broken(output: str) -> str:
    raise ValueError("my secret")


def in_vain(output: str) -> str:
    raise ModelRetry("No.")


@pytest.mark.parametrize(
    ("validator", "stage", "why"),
    [
        (broken, "agent", "The agent failed: ValueError."),
        (in_vain, "model", "The model did not come to an answer."),
    ],
)
def test_a_validator_that_fails_or_never_accepts(validator: Callable[[str], str], stage: str, why: str) -> None:
    """The error names whose fault it is. Nothing was heard, so the history holds nothing."""

    async def scenario() -> None:
        agent = Agent(model(["One."], ["Two."], ["Three."]))
        agent.output_validator(validator)
        run = begin(agent)
        with pytest.raises(EngineError, match=why) as failure:
            await speak(run)
        assert failure.value.stage == stage
        assert parts_of(run) == []

    run_virtual(scenario())


def test_an_output_that_is_no_text_is_the_agents_fault() -> None:
    """It may be one of the agent's outputs, but it cannot be said."""

    async def scenario() -> None:
        call_of_output = DeltaToolCall("final_result", '{"response": 5}', tool_call_id="c")
        agent: Agent[None, Any] = Agent(model([call_of_output]), output_type=[str, int])
        with pytest.raises(EngineError, match="output is int, and not text") as failure:
            await speak(begin(agent))
        assert failure.value.stage == "agent"

    run_virtual(scenario())


def count(text: str) -> int:
    return len(text)


def unsaid(text):  # type: ignore[no-untyped-def]
    return text


async def with_context(context: RunContext[None], text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("kinds", "text", "functions", "other"),
    [
        (str, True, False, ""),
        (int, False, False, ""),
        ([str, int], True, False, ""),
        (str | int, True, False, ""),
        (TextOutput(shout), True, True, ""),
        (TextOutput(count), False, True, "count"),
        ([str, count], True, True, "count"),
        (ToolOutput(count), False, True, "count"),
        (ToolOutput(int), False, False, ""),
        (unsaid, True, True, ""),
        (with_context, True, True, ""),
        (list[str], False, False, ""),
    ],
)
def test_which_outputs_can_be_said(kinds: object, text: bool, functions: bool, other: str) -> None:
    """Text, and what functions return that do not say that they return something else."""
    assert (is_text(kinds), has_functions(kinds), other_function(kinds)) == (text, functions, other)


def test_a_whole_call_with_a_validator() -> None:
    """The caller hears waiting lines while the model is asked again, and the next answer knows what was heard."""

    async def book(what: str) -> str:
        await asyncio.sleep(3)
        return f"{what} is booked"

    async def scenario() -> None:
        script = ScriptedModel(
            {"book": ["That is cheap.", ToolCall("book", what="a table")], "how much": "Nine dollars."}
        )
        agent = Agent(script, tools=[book])
        agent.output_validator(never_cheap)
        async with call(VoiceAgent(agent, waiting=("One moment.",))) as caller:
            await caller.says("please book")
            caller.expect_said("One moment.")
            caller.expect_said("a table is booked")
            caller.expect_not_said("cheap")
            await caller.says("how much is it", until="Nine euros")
            caller.expect_not_said("dollars")

    run_call(scenario())
