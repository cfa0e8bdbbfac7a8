"""Tools in the background: the talk goes on, and the caller is told of each result once. On virtual time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCalls

from server.agent.limits import RunLimits
from server.agent.returned import IN_BACKGROUND
from server.agent.tool_calls import TIMED_OUT
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.mouth.waiting import WaitingSettings
from server.call.settings import CallSettings
from tests.fakes.mind import Desk, Mind
from tests.fakes.people import CALM, Caller
from tests.virtual_time import run_virtual

NEWS = "(The tool book, which ran in the background, has returned: "
TELL = "(The tool book has returned from the background."


def prompts(history: list[ModelMessage]) -> list[str]:
    requests = [message for message in history if isinstance(message, ModelRequest)]
    return [str(part.content) for each in requests for part in each.parts if isinstance(part, UserPromptPart)]


def text_of(history: list[ModelMessage]) -> str:
    return " ".join(message.text or "" for message in history if isinstance(message, ModelResponse))


@dataclass
class Errands(Mind):
    """Its tool `book` runs in the background. Each answer begins with the results that it has not told yet, as
    that of a good model would."""

    refuses: bool = False

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), background=frozenset({"book"}))

    async def book(self, what: str) -> str:
        """Book something."""
        if self.refuses:
            raise ConnectionError
        return await super().book(what)

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        said = text_of(history)
        results = [each.removeprefix(NEWS).removesuffix(")") for each in prompts(history) if each.startswith(NEWS)]
        news = [f"Good news: {result}. " for result in results if result not in said]
        ask = prompts(history)[-1]
        first = not isinstance(history[-1].parts[-1], ToolReturnPart)
        async for each in super()._think(history, info):
            if isinstance(each, str) and first and ask.startswith((TELL, "(Something")):
                each = ""
            if isinstance(each, str) and first:
                each, news = "".join([*news, each]), []
            yield each

    async def type(self, caller: Caller, text: str) -> None:
        """The caller types, and hears the answer."""
        caller.session.receive_text(messages.Text(text=text).to_json())
        await caller.until_silent()


def asked_to_tell(mind: Errands) -> int:
    return sum(prompts(history)[-1].startswith(TELL) for history in mind.seen)


def test_the_talk_goes_on_and_the_result_is_told() -> None:
    """The answer does not wait for the tool. When it has returned, the agent says so, and nobody is shown to
    have asked.
    The state is not that of a tool that runs, and no waiting line is said."""

    async def scenario() -> None:
        mind = Errands(tool_s=20)
        settings = replace(CALM, waiting=WaitingSettings(first_s=1))
        async with Caller(mind, settings=settings) as caller:
            await mind.type(caller, "book a table")
            assert caller.answers[-1].text.endswith(f"Done: {IN_BACKGROUND}.")
            assert caller.now_ms < 10_000
            assert not caller.session.working
            await mind.type(caller, "hello")
            await caller.wait(20_000)
            assert [answer.text for answer in caller.answers[-2:]] == ["You said hello.", "Good news: booked a table."]
            await caller.wait(8_000)
            assert asked_to_tell(mind) == 1
        assert "One moment, please." not in caller.tts.said
        record = caller.notebook.records["call"]
        assert [said.text for said in record.said if said.who == "caller"] == ["book a table", "hello"]
        assert [(use.name, use.result) for said in record.said for use in said.tools] == [
            ("book", IN_BACKGROUND),
            ("book", "booked a table"),
        ]

    run_virtual(scenario())


def test_a_result_that_comes_during_its_answer_comes_after_it_in_the_history() -> None:
    """The record has the result with the call, because that exchange is still the newest one."""

    async def scenario() -> None:
        mind = Errands(tool_s=0.2)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            assert prompts(caller.session.dialogue.history.messages) == ["book a table", NEWS + "booked a table)"]
            (use,) = [use for said in caller.notebook.records["call"].said for use in said.tools]
            assert (use.name, use.result) == ("book", "booked a table")
            await caller.until_silent()
            assert caller.answers[-1].text == "Good news: booked a table."

    run_virtual(scenario())


def test_a_caller_who_speaks_first_is_told_once() -> None:
    """The model knows the result in its next answer, and is not asked again to tell it."""

    async def scenario() -> None:
        mind = Errands(tool_s=6)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            while not mind.booked:
                await caller.wait(20)
            await mind.type(caller, "hello")
            assert caller.answers[-1].text == "Good news: booked a table. You said hello."
            await caller.wait(10_000)
            assert asked_to_tell(mind) == 0

    run_virtual(scenario())


@pytest.mark.parametrize("refuses", [False, True])
def test_what_fails_or_takes_too_long_is_told_in_true_words(refuses: bool) -> None:
    """The agent does not apologise for it: the model tells what has come of it."""

    async def scenario() -> None:
        mind = Errands(tool_s=100, refuses=refuses)
        settings = replace(CALM, run=RunLimits(background_s=5))
        async with Caller(mind, settings=settings) as caller:
            await mind.type(caller, "book a table")
            await caller.wait(10_000)
            told = prompts(caller.session.dialogue.history.messages)[1]
            assert told.removeprefix(NEWS).startswith("It failed (ConnectionError)" if refuses else TIMED_OUT)
            assert asked_to_tell(mind) == 1
            assert not caller.of(messages.Error)

    run_virtual(scenario())


def test_no_more_run_at_once_than_the_limit() -> None:
    async def scenario() -> None:
        mind = Errands(tool_s=60)
        async with Caller(mind, settings=replace(CALM, run=RunLimits(background_tools=1))) as caller:
            await mind.type(caller, "book a table")
            await mind.type(caller, "book a chair")
            assert "It was not run: 1 tools" in caller.answers[-1].text

    run_virtual(scenario())


@pytest.mark.parametrize(("tool_s", "result"), [(10.0, "booked a table"), (50.0, TIMED_OUT)])
def test_the_end_of_the_call_bounds_them(tool_s: float, result: str) -> None:
    """They have as long as other tools, and the record says what came of them."""

    async def scenario() -> None:
        mind = Errands(tool_s=tool_s)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            ended = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ended < CallSettings().run.tools_s + 1
        (use,) = [use for said in caller.notebook.records["call"].said for use in said.tools]
        assert use.result == result

    run_virtual(scenario())


def test_a_caller_who_waits_for_a_result_is_not_hung_up_on() -> None:
    """Silence does not count while a tool runs in the background."""

    async def scenario() -> None:
        mind = Errands(tool_s=120)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            await caller.wait(125_000)
            assert caller.answers[-1].text == "Good news: booked a table."
            assert not caller.hung_up

    run_virtual(scenario())


def test_a_call_that_goes_on_elsewhere_says_that_the_result_is_not_known() -> None:
    async def scenario() -> None:
        mind = Errands(tool_s=40)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            left = caller.notebook.records["call"]
        other = Errands()
        async with Caller(other, record=left) as caller:
            await other.type(caller, "hello")
            assert "(The tool book ran in the background when the call broke off." in " ".join(prompts(other.seen[-1]))

    run_virtual(scenario())


def test_a_model_that_fails_is_not_asked_for_ever() -> None:
    """The result stays in the history."""

    async def scenario() -> None:
        mind = Errands(tool_s=5)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            mind.failures = 1_000
            mind.first_token_ms = 20_000
            requests = mind.requests
            await caller.wait(120_000)
            assert mind.requests == requests + 3

    run_virtual(scenario())


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="book"):
        replace(Errands().agent(), lookups=frozenset({"book"}))


def test_a_tool_that_returns_leaves_the_wish_of_another_one_alone() -> None:
    """A tool has asked for the end of the call and still runs when one returns from the background: the call ends."""

    class Slow(Errands):
        async def hang_up(self, context: RunContext[Desk]) -> str:
            """End the call."""
            answer = await super().hang_up(context)
            await asyncio.sleep(4)
            return answer

    async def scenario() -> None:
        mind = Slow(tool_s=6)
        async with Caller(mind) as caller:
            await mind.type(caller, "book a table")
            caller.session.receive_text(messages.Text(text="bye").to_json())
            await caller.until_silent()
            await caller.wait(8_000)
            assert mind.booked == ["a table"]
            assert caller.hung_up

    run_virtual(scenario())
