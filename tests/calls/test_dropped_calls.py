"""Connections that drop in the middle of calls, on virtual time: nothing said is lost, and nothing is done twice."""

import asyncio
import random
import re

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart

from server.call import messages
from server.call.settings import CallSettings
from server.media.frame import FRAME_MS
from tests.fakes.engines import CHARS_PER_S
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

STORY = "Once upon a time there was a shop. It sold books of every kind, and people came from far. So it goes on."

STORY_S = sum(len(clause) for clause in re.split(r"(?<=[.,]) ", STORY)) / CHARS_PER_S
"""How long the story takes to say. The spaces between clauses take no time."""


def heard_s(caller: Caller) -> float:
    return sum(pcm is not None for pcm in caller.heard) * FRAME_MS / 1000


@pytest.mark.parametrize("noticed_ms", [0, 200, 1_000, 4_000])
def test_the_unheard_rest_of_an_answer_is_heard(noticed_ms: int) -> None:
    """What was sent into the dead connection is said again, and no word is missing."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"story": STORY})) as caller:
            await caller.say("story")
            await caller.wait(2_500)
            await caller.drop(noticed_ms)
            await caller.wait(10_000)
            caller.come_back()
            await caller.until_silent()
            assert STORY_S <= heard_s(caller) < STORY_S + 0.3
        assert [answer.text for answer in caller.answers] == [STORY]
        assert not caller.answers[0].interrupted

    run_virtual(scenario())


def test_an_answer_that_ended_into_a_dead_line_is_said_again() -> None:
    """An answer that ended on a dead connection is said again from the first clause that the caller did not hear."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"story": STORY})) as caller:
            await caller.say("story")
            await caller.wait(5_000)
            await caller.drop(4_000)
            before = len(caller.answers)
            await caller.wait(1_000)
            caller.come_back()
            await caller.until_silent()
            assert caller.answers[before:][-1].text.endswith("So it goes on.")

    run_virtual(scenario())


@pytest.mark.parametrize("noticed_ms", [1_000, 4_000])
def test_what_is_written_down_is_what_was_heard(noticed_ms: int) -> None:
    """An answer on a dead connection is written down as far as it was heard; its repetition is another one."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"story": STORY})) as caller:
            await caller.say("story")
            await caller.wait(6_700)
            dropping = asyncio.create_task(caller.drop(noticed_ms))
            await caller.wait(noticed_ms - FRAME_MS)
            assert said(caller) == [STORY]
            end_ms = caller.notebook.records["call"].said[-1].end_ms
            await dropping
            (first,) = said(caller)
            assert STORY.startswith(first)
            assert len(first) / CHARS_PER_S == pytest.approx(heard_s(caller), abs=0.8), "to a word's end"
            written = caller.notebook.records["call"].said[-1]
            assert (written.interrupted, written.end_ms < end_ms) == (False, True)
            caller.come_back()
            await caller.until_silent()
            first, again = said(caller)
            assert STORY.removeprefix(first).strip() in again
            assert caller.notebook.records["call"].messages == caller.session.dialogue.history.messages

    run_virtual(scenario())


def test_an_answer_of_which_nothing_was_heard_is_not_written_down() -> None:
    """Only the caller's words are written down; the unheard answer is said when the caller is back."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("hello")
            dropping = asyncio.create_task(caller.drop(4_000))
            await caller.wait(4_000 - FRAME_MS)
            assert said(caller) == ["You said hello."]
            await dropping
            assert said(caller) == []
            assert [each.text for each in caller.notebook.records["call"].said] == ["hello"]
            caller.come_back()
            await caller.until_silent()
            assert said(caller) == ["You said hello."]

    run_virtual(scenario())


def test_an_answer_that_was_interrupted_is_not_said_again() -> None:
    """An interrupted answer is not said again, even if the connection dies just afterwards."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"story": STORY})) as caller:
            await caller.say("story")
            await caller.wait(2_500)
            dropping = asyncio.create_task(caller.drop(1_000))
            await caller.wait(900)
            caller.session.receive_text(messages.Interrupt().to_json())
            (before,) = said(caller)
            await dropping
            caller.come_back()
            await caller.wait(3_000)
            (after,) = said(caller)
            assert before.startswith(after)
            assert not any(caller.heard[-140:]), "since they are back"

    run_virtual(scenario())


def said(caller: Caller) -> list[str]:
    """What is written down of the agent."""
    return [each.text for each in caller.notebook.records["call"].said if each.who == "agent"]


def test_who_comes_back_to_an_open_question_is_asked_again() -> None:
    """A caller who comes back to an open question hears it again, because a break makes people forget it."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hello": "Good morning. What is your order number?"})) as caller:
            await caller.say("hello")
            await caller.until_silent()
            await caller.drop(500)
            await caller.wait(5_000)
            caller.come_back()
            await caller.until_silent()
        assert [answer.text for answer in caller.answers][1:] == ["What is your order number?"]

    run_virtual(scenario())


def test_a_question_asked_before_the_drop_is_answered_after_it() -> None:
    """The answer that was being made waits until the caller is back."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=2_000)) as caller:
            await caller.say("where is my order")
            await caller.wait(400)
            await caller.drop(300)
            await caller.wait(20_000)
            caller.come_back()
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said where is my order."]

    run_virtual(scenario())


def test_half_a_sentence_goes_on_after_the_drop() -> None:
    """An utterance goes on after the drop, because no time passes in a call without a connection."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("where is")
            await caller.drop(0)
            await caller.wait(5_000)
            caller.come_back()
            await caller.say("my order")
            await caller.until_silent()
        assert caller.captions == ["where is my order"]

    run_virtual(scenario())


def test_a_tool_goes_on_while_the_line_is_dead() -> None:
    """A tool runs once during the drop, and the caller hears its result when they are back."""

    async def scenario() -> None:
        mind = Mind(tool_s=5.0)
        async with Caller(mind) as caller:
            await caller.say("book seven")
            await caller.wait(1_500)
            await caller.drop(1_000)
            await caller.wait(30_000)
            assert mind.booked == ["seven"]
            caller.come_back()
            await caller.until_silent()
        assert mind.booked == ["seven"]
        assert "booked seven" in caller.answers[-1].text

    run_virtual(scenario())


def test_who_does_not_come_back_in_time_has_hung_up() -> None:
    """The call ends after `resume_s` without a connection, and its engines are released."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(resume_s=20)) as caller:
            await caller.say("hello")
            await caller.drop(1_000)
            await caller.wait(19_000)
            assert not caller.session.over.is_set()
            await caller.wait(1_500)
            assert caller.session.over.is_set()
        assert caller.stt.opened == caller.stt.closed

    run_virtual(scenario())


def test_goodbye_to_nobody_is_not_waited_for() -> None:
    """A call that has to end while it has no connection ends at once."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.drop(100)
            caller.session.leave()
            await caller.wait(100)
            assert caller.session.over.is_set()

    run_virtual(scenario())


def test_played_reports_cut_the_history() -> None:
    """An interrupted answer ends in the history where the client says that its speaker is."""

    async def scenario() -> None:
        mind = Mind(answers={"story": STORY})
        async with Caller(mind) as caller:
            await caller.say("story")
            await caller.wait(4_000)
            heard_ms = heard_s(caller) * 1000 - 2_000  # this client's buffer is two seconds long
            caller.session.receive_text(messages.Played(reply=1, ms=heard_ms).to_json())
            caller.session.receive_text(messages.Interrupt().to_json())
            [answer] = caller.answers
            assert answer.interrupted
            assert abs(len(answer.text) - heard_ms / 1000 * CHARS_PER_S) < 12

    run_virtual(scenario())


def test_what_a_client_has_reported_does_not_hide_that_its_line_was_dead() -> None:
    """A client that reports what it played hears the unheard rest all the same."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"story": STORY})) as caller:
            caller.session.receive_text(messages.Text(text="story").to_json())
            while not any(caller.heard):
                await caller.wait(FRAME_MS)
            await caller.wait(2_000)
            caller.session.receive_text(messages.Played(reply=1, ms=2_000).to_json())
            await caller.drop(2_000)
            caller.come_back()
            await caller.until_silent()
            assert STORY_S <= heard_s(caller) < STORY_S + 0.3

    run_virtual(scenario())


@pytest.mark.parametrize("seed", range(40))
def test_drops_at_any_moment(seed: int) -> None:
    """Whenever the connection drops, in the end everything is said once, and every tool has run once."""

    async def scenario() -> None:
        chance = random.Random(seed)
        mind = Mind(
            first_token_ms=chance.choice((20, 900)),
            tool_s=chance.choice((0.0, 0.5, 3.0)),
            answers=dict.fromkeys(["story", "a story"], STORY),
        )
        asked = []
        async with Caller(mind, greeting="Hello there. What can I do for you?") as caller:
            for number in range(chance.randint(2, 5)):
                wish = chance.choice(["story", f"book number{number}"])
                asked.append(wish)
                talking = asyncio.create_task(caller.say(wish, chance.choice((160, 240))))
                await caller.wait(chance.choice((10, 300, 700, 1_200, 2_500, 6_000)))
                await caller.drop(chance.choice((0, 200, 1_500, 4_000)))
                await caller.wait(chance.choice((10, 2_000, 30_000)))
                caller.come_back()
                await talking
                await rest(caller)
        check(caller, mind, asked)

    run_virtual(scenario())


async def rest(caller: Caller) -> None:
    """Wait until nobody speaks and nothing is being made."""
    for _ in range(100):
        await caller.wait(500)
        if caller.states[-1] == "listening" and not any(caller.heard[-25:]):
            return
    raise AssertionError(caller.states[-5:])


def check(caller: Caller, mind: Mind, asked: list[str]) -> None:
    wanted = {wish[5:] for wish in asked if wish.startswith("book ")}
    assert len(mind.booked) == len(set(mind.booked)), "no tool runs twice"
    assert set(mind.booked) <= wanted
    parts = [part for message in caller.session.dialogue.history.messages for part in message.parts]
    calls = [part.tool_call_id for part in parts if isinstance(part, ToolCallPart)]
    assert calls == [part.tool_call_id for part in parts if isinstance(part, ToolReturnPart)]
    said = " ".join(part.content for part in parts if isinstance(part, TextPart))
    said_s = sum(len(clause) for clause in re.split(r"(?<=[.,?]) *", said)) / CHARS_PER_S
    assert heard_s(caller) >= said_s - 0.2, "what the history has was heard"
    assert any(isinstance(message, ModelResponse) for message in caller.session.dialogue.history.messages)
