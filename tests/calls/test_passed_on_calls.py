"""Calls that are passed on at a bad moment: who has them then, and what the models are told. On virtual time."""

import asyncio
from dataclasses import replace
from typing import Any

from server.agent.limits import RunLimits
from server.agent.passing_on import HandOver
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.options import CallOptions
from server.call.switchboard import TRANSFER_FRAMES
from server.media.frame import FRAME_MS
from tests.calls.house import House, call, present, type_in, until
from tests.fakes.people import CALM, Caller
from tests.virtual_time import run_virtual


def test_a_tool_that_returns_when_its_answer_is_over_passes_nothing_on() -> None:
    """The model is told so, and not that the call goes to somebody."""

    async def scenario() -> None:
        house = House(works_s=4.0)
        async with call(house) as caller:
            type_in(caller, "go to second")
            await caller.wait(1_000)
            await caller.say("wait i have something else to say")
            await caller.wait(8_000)
            assert present(caller) == "first"
            history = str(caller.session.dialogue.history.messages)
            assert "was not passed on" in history
            assert "The call goes to" not in history
            house.works_s = 0
            type_in(caller, "go to second")
            await until(caller, "second heard")

    run_virtual(scenario())


def test_a_call_that_is_to_end_is_not_passed_on() -> None:
    """The wish to hang up comes first, and no other agent introduces itself."""

    async def scenario() -> None:
        async with call(House()) as caller:
            type_in(caller, "go to second")
            await caller.wait(200)
            caller.session.control.hang_up()
            await asyncio.wait_for(caller.session.over.wait(), 20)
            assert present(caller) == "first"
            assert not caller.of(messages.Agent)

    run_virtual(scenario())


def test_an_agent_that_has_not_had_the_call_is_made_ready_anew() -> None:
    """Its `make_deps` gets what the last tool has given, and not what was given to one whose answer was cut off."""
    given: list[Any] = []

    async def scenario() -> None:
        house = House()
        async with call(house) as caller:
            setup = caller.session.switchboard.present

            async def colleague(wish: HandOver, language: str) -> Any:
                given.append(wish.given)
                made = await setup.colleague(wish, language)
                return replace(made, deps=wish.given)

            caller.session.switchboard.present = replace(setup, colleague=colleague)
            type_in(caller, "go to second")
            while caller.states[-1] != "speaking":
                await caller.wait(FRAME_MS)
            type_in(caller, "no wait")
            await until(caller, "first heard no wait")
            type_in(caller, "go to second")
            await until(caller, "second heard")
            assert len(given) == 2
            assert caller.session.switchboard.present.deps == given[1]

    run_virtual(scenario())


def test_a_summary_goes_along() -> None:
    """The other agent's model is given the summary of the older part, and not only the newer half."""

    async def scenario() -> None:
        house = House()
        settings = replace(CALM, run=RunLimits(history_chars=2_000))
        async with call(house, settings) as caller:
            for number in range(40):
                type_in(caller, f"sentence number {number} has some words")
                await caller.until_silent()
                await caller.wait(1_500)
            assert house.summaries
            assert "Summary" in str(house.seen[-1][0])
            type_in(caller, "go to second")
            await until(caller, "second heard")
            assert "Summary" in str(house.seen[-1][0])

    run_virtual(scenario())


def test_a_person_who_answers_late_has_the_call() -> None:
    """It is over here, although the agent was told already that nobody had answered."""

    async def scenario(ok: bool) -> None:
        async with call(House(), options=CallOptions(transfers=True)) as caller:
            caller.session.receive_text(messages.Transferred(ok=True).to_json())
            type_in(caller, "go to somebody")
            await until(caller, "They will help")
            await caller.wait(TRANSFER_FRAMES * FRAME_MS + 3_000)
            assert caller.of(messages.Transfer)
            assert not caller.session.ended
            caller.session.receive_text(messages.Transferred(ok=ok).to_json())
            assert caller.session.ended == ok

    run_virtual(scenario(ok=True))
    run_virtual(scenario(ok=False))


def test_relief_that_comes_when_the_agent_says_goodbye_is_too_late() -> None:
    """The goodbye is not cut off by the promise of somebody else."""

    async def scenario() -> None:
        house = House(fails=True)

        class Relieved(House):
            def agent(self, greeting: str = "", name: str = "first", **how: Any) -> VoiceAgent:
                return house.agent(greeting, name, relief=HandOver("second"))

        async with Caller(Relieved(), settings=CALM) as caller:
            setup = caller.session.switchboard.present

            async def colleague(wish: HandOver, language: str) -> Any:
                await asyncio.sleep(0.3)
                caller.session.leave()
                await asyncio.sleep(0.3)
                return replace(setup, agent=house.agent(name="second"), name="second")

            caller.session.switchboard.present = replace(setup, colleague=colleague)
            for number in range(4):
                type_in(caller, f"hello {number}")
                await caller.wait(4_000)
            assert caller.session.ended
            said = [answer for answer in caller.answers if answer.text]
            assert "Goodbye" in said[-1].text or "goodbye" in said[-1].text
            assert not said[-1].interrupted

    run_virtual(scenario())
