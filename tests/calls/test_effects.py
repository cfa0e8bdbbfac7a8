"""What tools have done is not forgotten, however the answer about it ends. On virtual time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCalls

from server.agent.tool_calls import INTERRUPTED
from server.call import messages
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def results(history: list[ModelMessage]) -> list[object]:
    parts = [part for message in history for part in message.parts]
    return [part.content for part in parts if isinstance(part, ToolReturnPart)]


def prompts(history: list[ModelMessage]) -> list[object]:
    requests = [message for message in history if isinstance(message, ModelRequest)]
    return [part.content for message in requests for part in message.parts if isinstance(part, UserPromptPart)]


@pytest.mark.parametrize(("tool_s", "known"), [(1.0, "booked a table"), (5.0, INTERRUPTED)])
def test_the_next_answer_knows_what_was_booked(tool_s: float, known: str) -> None:
    """The caller types over the tool. It runs to its end, the next answer waits for it a little, and nothing is booked
    twice."""

    async def scenario() -> None:
        mind = Mind(tool_s=tool_s)
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="book a table").to_json())
            await caller.wait(600)
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
            assert results(mind.seen[-1]) == [known]
            assert caller.answers[-1].text == "You said hello."
            await caller.wait(5_000)
            caller.session.receive_text(messages.Text(text="good").to_json())
            await caller.until_silent()
            if known is INTERRUPTED:
                assert prompts(mind.seen[-1])[-2:] == ["(The tool book has returned late: booked a table)", "good"]
            else:
                assert prompts(mind.seen[-1])[-2:] == ["hello", "good"]
        assert mind.booked == ["a table"]

    run_virtual(scenario())


def test_a_tool_that_returns_at_once_is_in_the_history_and_the_record() -> None:
    """Its answer is cut off before a word of it was heard."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=1_000)
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="book a table").to_json())
            await caller.wait(1_500)
            assert mind.booked == ["a table"]
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(100)
            assert results(caller.session.dialogue.history.messages) == ["booked a table"]
            (use,) = [use for said in caller.notebook.records["call"].said for use in said.tools]
            assert (use.name, use.result) == ("book", "booked a table")

    run_virtual(scenario())


def test_a_tool_goes_on_after_the_caller_has_hung_up() -> None:
    """The record says what it did."""

    async def scenario() -> None:
        mind = Mind(tool_s=3)
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="book a table").to_json())
            await caller.wait(600)
        assert mind.booked == ["a table"]
        record = caller.notebook.records["call"]
        assert record.ended_ms is not None
        assert [use.result for said in record.said for use in said.tools] == ["booked a table"]

    run_virtual(scenario())


def test_the_words_of_a_turn_that_failed_are_kept() -> None:
    """The model fails before its first word. The caller's words are in the history and in the record."""

    async def scenario() -> None:
        mind = Mind(failures=1)
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="where is my order").to_json())
            await caller.until_silent()
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
            assert [words for words in prompts(mind.seen[-1]) if not str(words).startswith("(")] == [
                "where is my order",
                "hello",
            ]
        assert "where is my order" in [said.text for said in caller.notebook.records["call"].said]

    run_virtual(scenario())


class Wordless(Mind):
    """Calls the tool `hang_up`, and then says nothing, or fails."""

    fails = False

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if any(isinstance(part, ToolReturnPart) for part in history[-1].parts):
            if self.fails:
                raise ConnectionResetError
            yield " "
            return
        async for each in super()._think(history, info):
            yield each


@pytest.mark.parametrize("fails", [False, True])
def test_a_goodbye_is_heard_before_the_line_closes(fails: bool) -> None:
    """A tool hangs up, and the model says nothing, or fails: the agent says its own goodbye, and the client is told."""

    async def scenario() -> None:
        mind = Wordless()
        mind.fails = fails
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="bye").to_json())
            async with asyncio.timeout(20):
                await asyncio.shield(caller._running)
        assert caller.tts.said == ["Goodbye."]
        assert len(caller.of(messages.Error)) == 1
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


def test_a_wish_to_hang_up_is_dropped_with_its_answer() -> None:
    """The caller types over an answer whose tool hangs up. The next answer does not end the call."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=1_000)
        async with Caller(mind) as caller:
            caller.session.receive_text(messages.Text(text="bye").to_json())
            await caller.wait(1_500)
            caller.session.receive_text(messages.Text(text="one more thing").to_json())
            await caller.until_silent()
            await caller.wait(2_000)
            assert not caller.hung_up
            assert caller.answers[-1].text == "You said one more thing."
            assert isinstance(caller.session.dialogue.history.messages[-1], ModelResponse)

    run_virtual(scenario())
