"""Calls that use up what one call may use, on virtual time."""

import asyncio

import pytest

from server.call import messages
from server.call.budget import BudgetSettings
from server.call.settings import CallSettings
from server.record.conversation import Conversation
from server.speech.protocols import Asker
from tests.fakes.engines import COUGH
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

ANSWER = "That is a long story, and it will take me a while to tell it."
"""Four seconds of speech."""
LIMITS = [{"requests": 12}, {"tokens": 2_000}, {"speech_min": 0.5}, {"transcription_min": 0.15}]


def settings(**budget: float) -> CallSettings:
    return CallSettings(budget=BudgetSettings.model_validate(budget), idle_prompt_s=1_000)


def reached(caller: Caller) -> list[float]:
    """When the client was told that the budget is used up."""
    return [
        told.at_ms
        for told in caller.told
        if isinstance(told.message, messages.Error) and told.message.code == "limit_reached"
    ]


async def until_over(caller: Caller) -> None:
    async with asyncio.timeout(20):
        await asyncio.shield(caller._running)


@pytest.mark.parametrize("limit", LIMITS)
def test_the_agent_is_told_and_then_takes_leave(limit: dict[str, float]) -> None:
    """Before a part of the budget is used up the model is told so. Afterwards it is asked nothing more: the last answer
    is heard to its end, the agent says goodbye, and the call ends. The client is told once."""

    async def scenario() -> None:
        mind = Mind(answers={"tell me all of it now": ANSWER})
        async with Caller(mind, settings=settings(**limit)) as caller:
            for _ in range(30):
                await caller.say("tell me all of it now")
                await caller.until_silent()
                if caller.hung_up:
                    break
            await until_over(caller)
        assert [answer.text for answer in caller.answers][-2:] == [ANSWER, "Goodbye."]
        assert not any(answer.interrupted for answer in caller.answers)
        told = [("has to end" in notice) for notice in mind.told]
        first = told.index(True)
        assert 2 <= first < len(told) - 1
        assert all(told[first:])
        assert len(reached(caller)) == 1
        assert not caller.of(messages.Error)[-1].final

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("settings", "max_s"),
    [(CallSettings(longest_call_min=1, idle_prompt_s=99), 900), (CallSettings(idle_prompt_s=99), 60)],
)
def test_the_agent_is_told_how_long_the_call_may_last(settings: CallSettings, max_s: float) -> None:
    """The shorter of the server's time and the token's counts; the model is told before it is over."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind, settings=settings, max_s=max_s) as caller:
            await caller.wait(20_000)
            await caller.say("where is my order")
            await caller.until_silent()
            await until_over(caller)
            assert 30_000 < caller.now_ms < 34_000
        assert "This call has to end in about 10 seconds." in mind.told[0]
        assert [answer.text for answer in caller.answers] == ["You said where is my order.", "Goodbye."]
        assert len(reached(caller)) == 1

    run_virtual(scenario())


def test_who_speaks_at_the_end_is_not_cut_off() -> None:
    """A caller who is in the middle of a sentence when the budget is used up can finish it. Then the agent says goodbye
    in place of an answer, and the record has the caller's words."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind, settings=settings(requests=2)) as caller:
            await caller.say("first")
            await caller.until_silent()
            while mind.requests < 2:  # the second request is for an answer that is prepared in a pause, in vain
                await caller.say("i would like")
                await caller.wait(300)
            assert reached(caller)
            await caller.say("to have a table for two people at seven")
            await until_over(caller)
        assert mind.requests == 2
        last = caller.answers[-1]
        assert (last.text, last.interrupted) == ("Goodbye.", False)
        assert [answer.text for answer in caller.answers].count("Goodbye.") == 1
        asked, answered = caller.notebook.records["call"].said[-2:]
        assert asked.text.endswith("to have a table for two people at seven")
        assert answered.text == "Goodbye."

    run_virtual(scenario())


def test_an_answer_with_a_tool_is_made_to_its_end() -> None:
    """When the last request calls a tool, the tool's result is still told: the caller has to know what was done."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind, settings=settings(requests=1)) as caller:
            await caller.say("book table")
            await caller.until_silent()
            await until_over(caller)
        assert mind.booked == ["table"]
        assert [answer.text for answer in caller.answers] == ["One moment. Done: booked table.", "Goodbye."]
        assert mind.requests == 2

    run_virtual(scenario())


def test_typed_words_get_no_answer_any_more() -> None:
    """Words that are typed into the goodbye, or just before it, cost no request and do not keep the call open."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind, settings=settings(requests=1)) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.wait(300)
            for number in range(40):
                caller.session.receive_text(messages.Text(text=f"more {number}").to_json())
                await caller.wait(100)
            await until_over(caller)
        assert mind.requests == 1
        assert caller.answers[-1].text == "Goodbye."

    run_virtual(scenario())


def test_dropped_answers_count() -> None:
    """Answers that are prepared in pauses and dropped are paid for, so they count like all others."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=400)
        async with Caller(mind, settings=settings()) as caller:
            for _ in range(3):
                await caller.say("i would like")
                await caller.wait(800)
            used = caller.session.dialogue.standing.used
            assert used.requests == mind.requests == 2
            assert used.tokens > 0
            assert caller.answers == []

    run_virtual(scenario())


def test_each_hearing_of_an_utterance_counts() -> None:
    """Speech-to-text hears the whole utterance again at each pause. Noises are heard, too."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=settings()) as caller:
            await caller.say("one two three")
            await caller.until_silent()
            once = caller.session.dialogue.standing.used.transcription_ms
            for _ in range(4):
                await caller.say("one two three")
                await caller.wait(150)
            await caller.until_silent()
            often = caller.session.dialogue.standing.used.transcription_ms - once
            await caller.say(COUGH)
            await caller.wait(3_000)
            noise = caller.session.dialogue.standing.used.transcription_ms - once - often
        assert 900 <= once < 2_000
        assert often > 7 * once
        assert noise > 0

    run_virtual(scenario())


def test_a_call_that_goes_on_elsewhere_goes_on_with_the_rest_of_its_budget() -> None:
    """A move to another server does not begin the budget anew: there the next answer is the last one."""

    async def hold(record: Conversation | None, exchanges: int) -> Caller:
        async with Caller(Mind(), settings=settings(requests=3), record=record) as caller:
            for _ in range(exchanges):
                await caller.say("first")
                await caller.until_silent()
            if record is None:
                caller.session.move()
            await until_over(caller)
        return caller

    async def scenario() -> None:
        first = await hold(None, 2)
        record = first.notebook.records["call"]
        assert record.standing.used.requests == 2
        assert record.standing.used.time_ms > 2_000
        second = await hold(record, 1)
        assert second.mind.requests == 1
        assert "has to end" in second.mind.told[0]
        assert [answer.text for answer in second.answers] == ["You said first.", "Goodbye."]

    run_virtual(scenario())


def test_the_time_of_a_call_goes_on_elsewhere() -> None:
    """A call that has lasted for half of its time has the other half at the next server."""

    async def scenario() -> None:
        limit = CallSettings(longest_call_min=1, idle_prompt_s=1_000)
        async with Caller(Mind(), settings=limit) as first:
            await first.wait(20_000)
            await first.say("hello")
            await first.until_silent()
            first.session.move()
        async with Caller(Mind(), settings=limit, record=first.notebook.records["call"]) as second:
            await until_over(second)
            assert 5_000 < second.now_ms < 10_000
        assert second.answers[-1].text == "Goodbye."

    run_virtual(scenario())


def test_speech_that_nobody_waits_for_may_come_later() -> None:
    """Engines are told which call asks, and whether the caller still has sound to hear."""

    async def scenario() -> None:
        answer = "First a short one. Then a clause that takes three seconds to say. And so there is time for the third."
        async with Caller(Mind(answers={"go on": answer})) as caller:
            await caller.say("go on")
            await caller.until_silent()
            assert caller.tts.askers == [Asker("call"), Asker("call"), Asker("call", has_sound=True)]

    run_virtual(scenario())
