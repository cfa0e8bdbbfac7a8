"""Long calls: the model is given a summary of the older part, and no answer waits for it. On virtual time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaToolCalls, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel

from server.agent.limits import RunLimits
from server.agent.recollection import PROMPT
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from tests.fakes.mind import Desk, Mind, last_said
from tests.fakes.people import CALM, Caller
from tests.virtual_time import run_virtual

LIMIT = 2_000


@dataclass
class Summariser(Mind):
    """Summarises in `summary_s`; `broken` summaries fail."""

    summary_s: float = 1.0
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    """What it was asked to summarise."""

    def agent(self, greeting: str = "") -> VoiceAgent:
        model = WrapperModel(FunctionModel(stream_function=self._think))  # functions alone write no summaries
        agent = Agent(model, deps_type=Desk, tools=[self.book, self.hang_up])
        return replace(super().agent(greeting), agent=agent)

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if last_said(history).startswith(PROMPT):
            self.asked.append(last_said(history))
            await asyncio.sleep(self.summary_s)
            if self.broken:
                raise ConnectionError
            yield f"<think>so</think>Summary {len(self.asked)}: booked a table."
            return
        async for each in super()._think(history, info):
            yield each


def first_words(mind: Mind) -> str:
    """What the newest request begins with."""
    return str(getattr(mind.seen[-1][0].parts[0], "content", ""))


async def talk(caller: Caller, exchanges: int) -> None:
    for number in range(exchanges):
        caller.session.receive_text(messages.Text(text=f"sentence number {number} has some words").to_json())
        await caller.until_silent()
        await caller.wait(1_000)


def size(history: list[ModelMessage]) -> int:
    return sum(len(str(getattr(part, "content", ""))) for message in history for part in message.parts)


def settings(summaries: bool = True) -> CallSettings:
    return replace(CALM, run=RunLimits(history_chars=LIMIT, summaries=summaries))


def test_a_summary_takes_the_place_of_what_is_old() -> None:
    """It is made once before the limit is reached, from all that was said and done; a later one has the one before."""

    async def scenario() -> None:
        mind = Summariser()
        async with Caller(mind, settings=settings()) as caller:
            caller.session.receive_text(messages.Text(text="book a table").to_json())
            await caller.until_silent()
            await talk(caller, 40)
            used = caller.session.dialogue.standing.used
            assert len(mind.asked) >= 2
            assert "Caller: book a table" in mind.asked[0]
            assert "Result of the tool book: booked a table" in mind.asked[0]
            assert "Before: Summary 1: booked a table." in mind.asked[1]
            assert first_words(mind).startswith("(A summary of the call so far")
            assert ": booked a table." in first_words(mind)
            assert "<think>" not in first_words(mind)
            assert max(map(size, mind.seen)) <= LIMIT + 200
            assert used.requests == mind.requests + len(mind.asked)
            assert "summary" not in " ".join(said.text for said in caller.notebook.records["call"].said)
            assert len(caller.notebook.records["call"].said) == 2 * 41

    run_virtual(scenario())


@pytest.mark.parametrize(("broken", "summary_s"), [(True, 1.0), (False, 50.0)])
def test_without_a_summary_the_older_half_is_left_out(
    broken: bool, summary_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """A summary that fails, or is not there in time, delays no answer, and one line in the log says so."""

    async def scenario() -> None:
        mind = Summariser(broken=broken, summary_s=summary_s)
        async with Caller(mind, settings=settings()) as caller:
            await talk(caller, 28)
            gaps = [
                told.message.first_packet_ms or 0 for told in caller.told if isinstance(told.message, messages.Metrics)
            ]
            assert max(gaps) - min(gaps) < 200
            assert max(map(size, mind.seen)) <= LIMIT + 200
            assert first_words(mind).startswith("sentence number")
            assert len(mind.seen[-1]) < 50

    with caplog.at_level(logging.WARNING):
        run_virtual(scenario())
    assert sum("older half is left out" in line for line in caplog.messages) == 1


def test_a_summary_that_comes_late_is_used_all_the_same() -> None:
    async def scenario() -> None:
        mind = Summariser(summary_s=55)
        async with Caller(mind, settings=settings()) as caller:
            await talk(caller, 28)
            await caller.wait(8_000)
            await talk(caller, 5)
            assert first_words(mind).startswith("(A summary of the call so far")

    run_virtual(scenario())


def test_a_call_that_ends_waits_for_no_summary() -> None:
    async def scenario() -> None:
        mind = Summariser(summary_s=50)
        async with Caller(mind, settings=settings()) as caller:
            while not mind.asked:
                await talk(caller, 1)
            ended = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ended < 1

    run_virtual(scenario())


@pytest.mark.parametrize("mind", [Mind(), Summariser()])
def test_nothing_is_summarised_where_it_is_not_wanted(mind: Mind) -> None:
    """Neither by a function in place of a model, nor when the setting says so."""

    async def scenario() -> None:
        off = settings(summaries=not isinstance(mind, Summariser))
        async with Caller(mind, settings=off) as caller:
            await talk(caller, 30)
            assert mind.requests == 30
            assert not getattr(mind, "asked", [])

    run_virtual(scenario())
