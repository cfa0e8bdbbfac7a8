"""Callers who press keys of their telephone, on virtual time."""

from dataclasses import replace

import pytest

from server.agent.voice_agent import VoiceAgent
from server.call.messages import Dtmf
from server.call.settings import CallSettings
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

MENU = "For orders press one. For opening times press two. For everything else press three, or just tell me."


@pytest.mark.parametrize("told", [True, False])
def test_a_key_stops_the_agent_and_chooses(told: bool) -> None:
    """A key from a menu silences the agent at once, and is answered about a second later. The client may send it as a
    message."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"2": "We open at nine."}), greeting=MENU) as caller:
            await caller.wait(4_000)
            caller.session.receive_text(Dtmf(digit="2").to_json()) if told else caller.session.digit("2")
            pressed_ms = caller.now_ms
            await caller.wait(60)
            assert caller.states[-1] == "listening"
            await caller.until_silent()
        assert [answer.interrupted for answer in caller.answers] == [True, False]
        assert caller.answers[-1].text == "We open at nine."
        answered_ms = caller.first_sound_ms(pressed_ms + 100)
        assert answered_ms is not None
        assert answered_ms - pressed_ms < 1_300

    run_virtual(scenario())


def test_the_hash_alone_is_answered() -> None:
    """A lone # is what the caller says."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"#": "Thank you."})) as caller:
            caller.session.digit("#")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["Thank you."]

    run_virtual(scenario())


def test_a_key_does_not_cancel_a_running_tool() -> None:
    """While a tool runs, the first key of a number only counts; the number is answered when it is whole."""

    async def scenario() -> None:
        mind = Mind(tool_s=0.5)
        async with Caller(mind) as caller:
            await caller.say("book a table")
            await caller.wait(600)
            caller.session.digit("1")
            await caller.wait(900)
            assert mind.booked == ["a table"]
            await caller.until_silent()

    run_virtual(scenario())


def test_keys_show_that_the_caller_is_there() -> None:
    """A caller who slowly keys in the number that the agent wants is not asked "are you still there?"."""

    async def scenario() -> None:
        greeting = "Hello. What is your order number?"
        async with Caller(Mind(), greeting=greeting, settings=CallSettings(idle_prompt_s=3)) as caller:
            await caller.until_silent()
            for key in "4271":
                caller.session.digit(key)
                await caller.wait(1_800)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == [greeting, "You said 4 2 7 1."]

    run_virtual(scenario())


def test_a_key_of_the_agents_menu_is_answered_at_once() -> None:
    """It stops the agent, and stands for its words. Keys of a number do not."""

    class Menu(Mind):
        def agent(self, greeting: str = "") -> VoiceAgent:
            return replace(super().agent(greeting), menu={"2": "When do you open?"})

    async def scenario() -> None:
        mind = Menu(answers={"When do you open?": "At nine. What is your order number?"})
        async with Caller(mind, greeting=MENU) as caller:
            await caller.wait(2_000)
            caller.session.digit("2")
            pressed_ms = caller.now_ms
            await caller.until_silent()
            answered_ms = caller.first_sound_ms(pressed_ms + 60)
            assert answered_ms is not None
            assert answered_ms - pressed_ms < 400
            for key in "2#":
                caller.session.digit(key)
            await caller.until_silent()
        assert caller.captions == ["When do you open?", "2"]

    run_virtual(scenario())
