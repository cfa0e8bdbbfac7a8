"""Calls that are handed over from one agent to another, or from an agent that fails."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from antiphon import CallEnd, CallExchange, CallInfo, HandOver, Lines, Transfer, VoiceAgent
from antiphon.testing import ScriptedModel, call, run
from tests.testing.shop import BILLING, OTHERS, RECEPTION, Desk, hand_over, reception


def test_another_agent_takes_the_call_over() -> None:
    """The caller hears the first agent to its end, then who speaks now, and then an answer that knows what was said."""

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS) as caller:
            first = caller.deps
            heard = await caller.says("I have a question about an invoice")
            announced = "The call goes to billing as soon as the caller has heard your answer."
            assert heard.startswith(f"Billing will help you. {announced}")
            assert heard.endswith("Hello, this is Billing. I have your invoice here.")
            assert caller.agent == "Billing"
            assert await caller.says("how much is it") == "It is ten euros."
            assert caller.deps is not first
            told = caller.deps.info.handed_over
            assert told == HandOver("billing", "it is about an invoice", 0)

    run(scenario())


def test_the_other_agent_knows_all_that_was_said() -> None:
    """Its model gets the history, with the results of tools, and what the first agent has noted for it."""
    seen: list[list[ModelMessage]] = []

    async def think(messages: list[ModelMessage], info: AgentInfo) -> Any:
        seen.append(messages)
        yield "I know."

    async def scenario() -> None:
        knows = replace(BILLING, agent=Agent(FunctionModel(stream_function=think), deps_type=Desk))
        async with call(RECEPTION, others=OTHERS | {"billing": knows}) as caller:
            await caller.says("I have a question about an invoice")
            assert caller.answers[-1].text.strip() == "Hello, this is Billing. I know."

    run(scenario())
    asked = [
        part.content
        for m in seen[0]
        if isinstance(m, ModelRequest)
        for part in m.parts
        if isinstance(part, UserPromptPart)
    ]
    assert asked[:2] == ["(The call begins.)", "I have a question about an invoice"]
    note = "It says: it is about an invoice"
    assert asked[2] == f"(Reception has said what stands above in your place, and hands the call over to you. {note})"


def test_what_an_operator_has_told_the_agent_goes_over() -> None:
    """The other agent has the instructions, and does not hear a caller who is muted."""
    model = ScriptedModel({"handed over to you": "I have your invoice here.", "how much": "It is ten euros."})
    other = replace(BILLING, agent=Agent(model, deps_type=Desk))

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS | {"billing": other}) as caller:
            control = caller._call.session.control
            control.instruct("Offer a discount.")
            await caller.says("I have a question about an invoice", until="Billing will help")
            control.mute(True)
            await caller.is_silent(15)
            assert caller.agent == "Billing"
            assert control.about.muted
            control.press("12")
            await caller.is_silent(3)
            assert caller.answers[-1].text == "Keys: 1 2"
            control.mute(False)
            await caller.says("how much is it")

    run(scenario())
    assert len(model.instructions) == 2
    assert all("Offer a discount." in each for each in model.instructions)


def test_an_agent_without_an_introduction_is_asked_to_say_who_it_is() -> None:
    """The author wants no fixed line, so the model is told that the caller does not know yet who speaks."""

    async def scenario() -> None:
        model = ScriptedModel({"say who you are": "Billing here."})
        plain = replace(BILLING, introduction="", agent=Agent(model, deps_type=Desk))
        async with call(RECEPTION, others=OTHERS | {"billing": plain}) as caller:
            await caller.says("I have a question about an invoice")
            assert caller.answers[-1].text.strip() == "Billing here."

    run(scenario())


def test_a_call_goes_there_and_back() -> None:
    """An agent that gets a call back goes on with the dependencies that it had."""

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS) as caller:
            first = caller.deps
            first.heard.append("a pizza")
            await caller.says("I have a question about an invoice")
            await caller.says("and my order")
            caller.expect_said("Hello, this is Reception. You are back.")
            assert caller.agent == "Reception"
            assert caller.deps is first
            assert await caller.says("is this the shop") == "This is the shop."

    run(scenario())


def test_a_call_is_handed_over_when_the_agent_says_nothing() -> None:
    """The model calls the tool and says nothing about it."""

    async def think(messages: list[ModelMessage], info: AgentInfo) -> Any:
        if len(messages[-1].parts) == 1 and messages[-1].parts[0].part_kind == "tool-return":
            yield ""
            return
        from pydantic_ai.models.function import DeltaToolCall

        yield {0: DeltaToolCall("hand_over", '{"agent": "billing"}', tool_call_id="h")}

    async def scenario() -> None:
        mute = Agent(FunctionModel(stream_function=think), deps_type=Desk, tools=[hand_over])
        async with call(replace(RECEPTION, agent=mute), others=OTHERS) as caller:
            heard = await caller.says("I have a question about an invoice")
            assert heard == "Hello, this is Billing. I have your invoice here."
            caller.expect_failure("return text")

    run(scenario())


def test_the_model_is_told_when_a_call_cannot_be_handed_over() -> None:
    """There is no such agent, it is the agent itself, or the other one cannot take the call: the agent goes on."""

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS) as caller:
            assert await caller.says("no one please") == "There is no agent 'nobody' here."
            assert await caller.says("myself please") == "You are reception yourself."
            assert await caller.says("my own please") == "You are Reception yourself."
            heard = await caller.says("the sick one please")
            assert heard == "The agent cannot take this call. Please try again later."
            assert caller.agent == "Reception"

    run(scenario())


def test_a_caller_who_cuts_in_stays() -> None:
    """The caller has not heard the answer, so the call is not handed over, and the model is told so."""

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS) as caller:
            await caller.says("I have a question about an invoice", until="as soon as")
            assert await caller.interrupts("no please wait, is this the shop") == "This is the shop."
            assert caller.agent == "Reception"
            assert "the call was not passed on" in reception.model.instructions[-1]  # type: ignore[union-attr]
            await caller.says("back to the invoice please")
            assert caller.agent == "Billing"

    run(scenario())


@pytest.mark.parametrize(
    "relief", [HandOver("billing", "the model is down"), Transfer("+4930"), HandOver("sick"), None]
)
def test_an_agent_that_fails_again_and_again_is_relieved(relief: HandOver | Transfer | None) -> None:
    """Another agent or a person takes the call. When that is not possible, the call ends."""

    async def scenario() -> None:
        async with call(replace(RECEPTION, relief=relief), others=OTHERS, transfers=True) as caller:
            for _ in range(4):
                await caller.says("gobbledygook")
            caller.expect_failure("LookupError")
            if relief in (None, HandOver("sick")):
                caller.expect_said("I cannot help you at the moment. Please call again later. Goodbye.")
                caller.expect_hung_up()
                return
            caller.expect_said("I cannot help you at the moment. I am putting you through to somebody else.")
            if isinstance(relief, HandOver):
                assert caller.agent == "Billing"
                assert await caller.says("how much is it") == "It is ten euros."
            else:
                assert caller.transfer == relief
                caller.transferred(ok=False)
                await caller.is_silent(5)
                assert await caller.says("is this the shop") == "This is the shop."

    run(scenario())


def test_the_language_of_the_call_and_of_the_agent() -> None:
    """A call goes on in the language that was chosen or found, and else in that of the other agent."""
    german = replace(BILLING, language="de", name="die Buchhaltung")

    async def scenario() -> None:
        async with call(RECEPTION, others=OTHERS | {"billing": german}) as caller:
            await caller.says("I have a question about an invoice")
            caller.expect_said("Hallo, hier ist die Buchhaltung.")
        lines = {"fr": Lines(introduction="Ici la caisse.")}
        french = RECEPTION, CallInfo(language="fr"), {"billing": replace(BILLING, lines=lines)}
        async with call(french[0], info=french[1], others=french[2]) as caller:
            await caller.says("I have a question about an invoice")
            caller.expect_said("Ici la caisse.")

    run(scenario())


def test_each_agent_has_its_hooks() -> None:
    """For an agent the call begins when it gets it, and ends when it hands it over."""
    told: list[tuple[str, str]] = []

    def hooks(name: str) -> dict[str, Any]:
        def on_exchange(deps: Desk, exchange: CallExchange) -> None:
            told.append((name, exchange.caller or exchange.agent[:24]))

        def on_end(deps: Desk, end: CallEnd) -> None:
            told.append((name, f"over: {end.reason}, {end.exchanges} exchanges"))

        return {"on_start": lambda deps: told.append((name, "starts")), "on_exchange": on_exchange, "on_end": on_end}

    async def scenario() -> None:
        first, second = replace(RECEPTION, **hooks("one")), replace(BILLING, **hooks("two"))
        async with call(first, others={"billing": second}) as caller:
            await caller.says("I have a question about an invoice")
            await caller.says("how much is it")

    run(scenario())
    assert told == [
        ("one", "starts"),
        ("one", "Hello, the shop."),
        ("one", "I have a question about an invoice"),
        ("one", "over: handed_over, 2 exchanges"),
        ("two", "starts"),
        ("two", "Hello, this is Billing. "),
        ("two", "how much is it"),
        ("two", "over: caller, 4 exchanges"),
    ]


def test_a_tool_of_the_first_agent_returns_to_the_second() -> None:
    """A tool in the background goes on through the hand-over, and the agent that has the call then tells its result."""
    seen: list[str] = []

    async def think(messages: list[ModelMessage], info: AgentInfo) -> Any:
        seen.append(str(messages[-2:]))
        if "has returned" in str(messages[-1]):
            yield "The stock is counted: 7."
        elif "handed over" in str(messages[-1]):
            yield "I have the call."
        elif "tool-return" in str(messages[-1].parts[-1].part_kind):
            yield "One moment."
        elif "stock" in str(messages[-1]):
            from pydantic_ai.models.function import DeltaToolCall

            yield {
                0: DeltaToolCall("count", "{}", tool_call_id="c"),
                1: DeltaToolCall("go", "{}", tool_call_id="g"),
            }

    async def count() -> int:
        await asyncio.sleep(10)
        return 7

    def go() -> HandOver:
        return HandOver("two")

    agent = Agent(FunctionModel(stream_function=think), tools=[count, go])
    one, two = VoiceAgent(agent, name="One", background=frozenset({"count"})), VoiceAgent(agent, name="Two")

    async def scenario() -> None:
        async with call(one, others={"two": two}) as caller:
            heard = await caller.says("count the stock")
            assert heard == "One moment. Hello, this is Two. I have the call."
            await caller.is_silent(12)
            caller.expect_said("The stock is counted: 7.")

    run(scenario())
