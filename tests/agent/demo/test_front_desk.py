import json
from collections.abc import AsyncIterator
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import ModelMessage, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.test import TestModel

from server.agent.call_info import NOTHING_KNOWN
from server.agent.demo import rules
from server.agent.demo.front_desk import front_desk
from server.agent.demo.shop import Callback, Desk
from server.agent.dependencies import dependencies
from server.agent.functions import Functions
from server.agent.voice_agent import VoiceAgent
from server.call.mouth.source import Line

WEDNESDAY_AFTERNOON = datetime(2026, 11, 4, 14, 30)
CAN_DO = "I can look up an order"


class Caller:
    """A caller of the front desk; `tools` are the calls to tools so far."""

    def __init__(self, now: datetime = WEDNESDAY_AFTERNOON) -> None:
        self.desk = front_desk(lambda: now)
        self.deps: Desk = self.desk.make_deps()
        self.history: list[ModelMessage] = []
        self.tools: list[tuple[str, dict[str, object]]] = []

    async def say(self, text: str) -> str:
        spoken = ""
        async with self.desk.agent.iter(text, deps=self.deps, message_history=self.history) as run:
            async for node in run:
                if self.desk.agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        async for delta in stream.stream_text(delta=True):
                            spoken += delta
                elif self.desk.agent.is_call_tools_node(node):
                    calls = (part for part in node.model_response.parts if isinstance(part, ToolCallPart))
                    self.tools += [(part.tool_name, part.args_as_dict()) for part in calls]
        assert run.result is not None
        self.history = run.result.all_messages()
        return spoken


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize(
    ("said", "tool", "args"),
    [
        ("what are your opening hours", "opening_hours", {"day": "week"}),
        ("are you open on sunday", "opening_hours", {"day": "sunday"}),
        ("Are you open on Mondays?", "opening_hours", {"day": "monday"}),
        ("when do you close today", "opening_hours", {"day": "today"}),
        ("are you open on the weekend", "opening_hours", {"day": "weekend"}),
        ("are you open now", "opening_hours", {"day": "now"}),
        ("Where is order 4271?", "order_status", {"number": "4271"}),
        ("where is order four two seven one", "order_status", {"number": "4271"}),
        ("i'd like to check on older for two seven one", "order_status", {"number": "4271"}),
        ("forty two seventy one", "order_status", {"number": "4271"}),
        ("could you call me back tomorrow at ten", "book_callback", {"day": "tomorrow", "at": "10:00"}),
        ("Book a callback for Friday at 3:30 p.m.", "book_callback", {"day": "friday", "at": "15:30"}),
        ("call me back on monday at half past three", "book_callback", {"day": "monday", "at": "15:30"}),
        ("cancel my callback", "cancel_callback", {}),
        ("what time is it", "current_time", {}),
        ("what day is it", "current_date", {}),
        ("what is twelve plus thirty", "calculate", {"left": 12, "operator": "+", "right": 30}),
        ("What's 12 + 30?", "calculate", {"left": 12, "operator": "+", "right": 30}),
        ("seven times eight", "calculate", {"left": 7, "operator": "*", "right": 8}),
        ("what is 10% of 50", "calculate", {"left": 10, "operator": "%", "right": 50}),
        ("one hundred divided by four", "calculate", {"left": 100, "operator": "/", "right": 4}),
        ("ninety minus forty five", "calculate", {"left": 90, "operator": "-", "right": 45}),
        ("my name is anna", "remember_name", {"name": "anna"}),
        ("what is my name", "callers_name", {}),
        ("that's all thank you", "hang_up", {}),
        ("Bye!", "hang_up", {}),
    ],
)
async def test_a_request_calls_its_tool(caller: Caller, said: str, tool: str, args: dict[str, object]) -> None:
    """Each request calls the right tool, with arguments taken from what the caller said."""
    spoken = await caller.say(said)

    assert caller.tools == [(tool, args)]
    assert spoken


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("what time is it", "two thirty in the afternoon"),
        ("what's the date", "Wednesday, the fourth of November"),
        ("are you open now", "Yes, we are open until six"),
        ("are you open tomorrow", "open tomorrow from nine"),
        ("are you open on sunday", "closed on Sunday"),
        ("where is order four two seven one", "was shipped"),
        ("where is order one eight three five", "ready for collection"),
        ("where is order nine zero four six", "delayed"),
        ("where is order one one one one", "There is no order one one one one"),
        ("order one two three", "four digits"),
        ("seven divided by two", "three point five"),
        ("seven divided by zero", "divide by zero"),
        ("go forward ten meters", CAN_DO),
        ("call me back tomorrow at oh to one", "tomorrow at one in the afternoon"),
        ("what did i just say", "Nothing yet"),
        ("are you a robot", "program"),
        ("can you hear me", "Yes"),
        ("hello", "Hello"),
        ("help", CAN_DO),
    ],
)
async def test_an_answer_says_what_was_asked_for(caller: Caller, said: str, heard: str) -> None:
    """The answer contains the fact that the caller asked for, or says what the agent can do."""
    assert heard in await caller.say(said)


async def test_each_example_on_the_page_shows_another_tool() -> None:
    """What the page offers to ask is what the agent does: four examples, four tools."""
    used = []
    for example in front_desk().examples:
        caller = Caller()
        await caller.say(example)
        used += [tool for tool, _ in caller.tools]
    assert used == ["opening_hours", "order_status", "book_callback", "calculate"]


async def test_a_missing_order_number_is_asked_for_and_then_understood(caller: Caller) -> None:
    """After the question for the number, bare digits are an order number."""
    assert "order number?" in await caller.say("where is my order")
    assert "four digits" in await caller.say("four two seven")
    assert "was shipped" in await caller.say("for two seven one")


async def test_a_callback_is_booked_step_by_step_and_cancelled(caller: Caller) -> None:
    """The day and the time may come one after the other. The caller can ask for the callback and cancel it."""
    assert "Which day" in await caller.say("please call me back")
    assert "At what time" in await caller.say("tomorrow")
    assert "tomorrow at ten thirty in the morning" in await caller.say("half past ten")
    assert "tomorrow" in await caller.say("when is my callback")
    assert "cancelled" in await caller.say("please cancel my callback")
    assert "no callback" in await caller.say("cancel it")


async def test_the_agent_remembers_the_call(caller: Caller) -> None:
    """The caller's name, the last request and the last answer are remembered."""
    await caller.say("hello my name is anna")
    assert "Anna" in await caller.say("do you know my name")
    assert "do you know my name" in await caller.say("what did i just ask you")
    answer = await caller.say("where is order four two seven one")
    assert await caller.say("can you repeat that") == answer


async def test_goodbye_asks_the_call_to_end(caller: Caller) -> None:
    """The tool asks the server to end the call, and the agent says goodbye."""
    assert not caller.deps.hang_up_requested
    assert "Goodbye" in await caller.say("okay goodbye")
    assert caller.deps.hang_up_requested


async def test_no_call_sees_another() -> None:
    """Two calls with one agent share no state."""
    desk = front_desk()
    first, second = desk.make_deps(), desk.make_deps()
    first.caller = "Anna"

    assert second.caller == ""


async def deps_of(agent: VoiceAgent, state: str = "") -> Any:
    return await dependencies(agent, Functions(5.0), state, NOTHING_KNOWN)


async def test_another_server_knows_what_was_agreed() -> None:
    """The state is written as text and read again: the caller's name and the callback are still known."""
    here, there = front_desk(), front_desk()
    desk = here.make_deps()
    assert (await deps_of(there, here.dump_deps(desk))).dump() == desk.dump()
    desk.caller, desk.callback = "Ann", Callback("monday", time(15, 30))
    went_on = await deps_of(there, here.dump_deps(desk))
    assert (went_on.caller, went_on.callback, went_on.hang_up_requested) == ("Ann", desk.callback, False)


async def test_an_agent_that_keeps_nothing_begins_anew() -> None:
    """An agent without `dump_deps` keeps no state; without `load_deps` it ignores a state that was kept."""
    agent = VoiceAgent(front_desk().agent, make_deps=list)
    assert agent.dump_deps([1]) == ""
    assert await deps_of(agent) == await deps_of(agent, "something") == []
    assert (await deps_of(front_desk())).caller == ""


async def test_a_language_model_can_take_the_place_of_the_rules() -> None:
    """The tools and instructions work with another model."""
    desk = front_desk()
    with desk.agent.override(model=TestModel(call_tools=["current_time", "hang_up"])):
        deps = desk.make_deps()
        await desk.agent.run("what time is it", deps=deps)

    assert deps.hang_up_requested


@pytest.mark.parametrize(
    ("number", "told"),
    [("42 71", "was shipped"), ("#4271", "was shipped"), ("unknown", "I heard none"), ("42-7A", "four two seven.")],
)
async def test_a_language_model_may_write_an_order_number_as_it_likes(number: str, told: str) -> None:
    """The tool reads the digits out of it, or tells the model what is wrong; it does not fail."""

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        newest = messages[-1].parts[-1]
        if isinstance(newest, ToolReturnPart):
            yield str(newest.content)
        else:
            yield {0: DeltaToolCall("order_status", json.dumps({"number": number}), tool_call_id="1")}

    caller = Caller()
    with caller.desk.agent.override(model=FunctionModel(stream_function=think)):
        assert told in await caller.say("where is my order")


async def test_the_shop_is_closed_outside_of_its_hours() -> None:
    """On a Saturday evening the next opening is on Monday."""
    saturday = Caller(datetime(2026, 11, 7, 20, 0))
    assert "We open on Monday at nine" in await saturday.say("are you open now")


def test_phrases_are_plain_and_many() -> None:
    """Phrases are lower-case sentences with numbers spelled out, with no characters but letters, ' and -."""
    phrases = front_desk().phrases
    assert 300 <= len(phrases) <= 1_200
    assert all(set(phrase) <= set("abcdefghijklmnopqrstuvwxyz' -") for phrase in phrases)


def test_phrases_are_understood() -> None:
    """After a question about a callback, the agent still understands every phrase that it expects."""
    answers = {phrase: rules.decide(["call me back", phrase]).text for phrase in front_desk().phrases}
    assert [phrase for phrase, text in answers.items() if text.startswith("Sorry, I did not get")] == []


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_anything_can_be_said(said: list[str]) -> None:
    """The rules have an answer to any text."""
    decision = rules.decide(said)
    assert decision.text or decision.tool


async def test_occasions_are_not_what_the_caller_said() -> None:
    """The server's notes in the history, such as "The call begins.", do not count as the caller's words."""
    desk = front_desk()
    history = Line("Hello.", "The call begins.").messages()
    prompt = "what did i just say"
    async with desk.agent.run_stream(prompt, message_history=history, deps=desk.make_deps()) as result:
        assert "Nothing yet" in await result.get_output()
