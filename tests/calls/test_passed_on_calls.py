"""Calls that are passed on at a bad moment: what was said meanwhile, and what the models are told. On virtual time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel

from server.agent.limits import RunLimits
from server.agent.notices import TAKES_NOTICES, notice_of
from server.agent.passing_on import HandOver, PassingOn, Transfer
from server.agent.recollection import PROMPT
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.switchboard import STAYED, TRANSFER_FRAMES
from server.media.frame import FRAME_MS
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Desk, Mind, last_said, newest_of
from tests.fakes.people import CALM, Caller
from tests.virtual_time import run_virtual


@dataclass
class House(Mind):
    """The mind of all agents. "go to X" passes the call on, after `works_s`; `made` has what each agent was given."""

    works_s: float = 0.0
    made: list[Any] = field(default_factory=list)
    fails: bool = False
    says: str = "They will help you with that now."
    summaries: int = 0

    def agent(self, greeting: str = "", name: str = "first", **how: Any) -> VoiceAgent:
        async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
            self.seen.append(list(history))
            self.told.append(f"{info.instructions or ''}{notice_of(history)}")
            self.requests += 1
            await asyncio.sleep(0.05)
            newest, said = newest_of(history), last_said(history)
            if said.startswith(PROMPT):
                self.summaries += 1
                yield "Summary: the caller likes tea."
            elif self.fails:
                raise RuntimeError("the provider is down")
            elif isinstance(newest, ToolReturnPart):
                yield self.says
            elif said.startswith("go to "):
                yield {0: DeltaToolCall("go", f'{{"to": "{said[6:].split()[0]}"}}', tool_call_id=f"go{self.requests}")}
            else:
                yield f"{name} heard {said}."

        async def go(to: str) -> PassingOn:
            await asyncio.sleep(self.works_s)
            self.requests += 1
            return Transfer("+4930") if to == "somebody" else HandOver(to, given=self.requests)

        model = WrapperModel(FunctionModel(stream_function=think, profile=TAKES_NOTICES))
        agent = Agent(model, deps_type=Desk, tools=[go])
        return VoiceAgent(agent, name=name, greeting=greeting, make_deps=Desk, **how)


def call(house: House, settings: CallSettings = CALM, stt: LetterSpeechToText | None = None, **how: Any) -> Caller:
    others = {name: house.agent(name=name) for name in ("second", "third")}
    return Caller(house, stt, settings=settings, others=others, **how)


def present(caller: Caller) -> str:
    return caller.session.switchboard.present.agent.name


def type_in(caller: Caller, text: str) -> None:
    caller.session.receive_text(messages.Text(text=text).to_json())


async def until(caller: Caller, text: str) -> None:
    """Until the caller has heard `text` to its end."""
    for _ in range(2_000):
        if any(text in answer.text for answer in caller.answers):
            return
        await caller.wait(FRAME_MS)
    raise AssertionError([answer.text for answer in caller.answers])


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


@pytest.mark.parametrize("final_ms", [10, 3_000])
def test_words_that_speech_to_text_still_owes_are_answered(final_ms: int) -> None:
    """Nothing is passed on before they have come."""

    async def scenario() -> None:
        house = House(says="They will help you with that, and I tell you so in a sentence that takes its time.")
        stt = LetterSpeechToText(final_ms=final_ms, partial_ms=None)
        overlap = CALM.overlap.model_copy(update={"words": 30, "words_ms": 60_000, "voiced_ms": 60_000})
        settings = replace(CALM, overlap=overlap, max_utterance_ms=1_000)
        async with call(house, settings, stt) as caller:
            type_in(caller, "go to second")
            while caller.states[-1] != "speaking":
                await caller.wait(FRAME_MS)
            while caller.session.dialogue.delivery.current.reply.speech.left_ms > 1_500:  # type: ignore[union-attr]
                await caller.wait(FRAME_MS)
            await caller.say("aa bb cc", 360)
            assert caller.states[-1] != "hearing"
            await caller.wait(15_000)
            asked = " ".join(last_said(history) for history in house.seen)
        assert "aa bb" in asked

    run_virtual(scenario())


def test_typed_words_before_the_call_is_passed_on_keep_it() -> None:
    """As spoken ones do: the model is told that it was not passed on."""

    async def scenario() -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            await caller.wait(200)
            caller.session.control.say("This comes when it is quiet.", "idle")
            await until(caller, "They will help you")
            await caller.wait(500)
            assert present(caller) == "first"
            type_in(caller, "one more thing")
            await until(caller, "first heard one more thing")
            assert "was not passed on" in house.told[-1]
            await caller.wait(8_000)
            assert present(caller) == "first"

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


@pytest.mark.parametrize("heard_ms", [0, 500])
def test_a_restart_before_the_call_is_passed_on(heard_ms: int) -> None:
    """The other server does not know the wish, so the model is told that it came to nothing."""

    async def scenario() -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            while caller.states[-1] != "speaking":
                await caller.wait(FRAME_MS)
            await caller.wait(heard_ms)
            caller.session.move()
            await caller.session.over.wait()
            record = caller.notebook.records["call"]
            assert record.standing.agent == "first"
            assert STAYED in str(record.messages[-1])

    run_virtual(scenario())


def test_a_restart_of_another_call() -> None:
    """Where nothing was to be passed on, nothing is said about it."""

    async def scenario() -> None:
        async with call(House()) as caller:
            type_in(caller, "go to second")
            await until(caller, "second heard")
            caller.session.move()
            await caller.session.over.wait()
            assert STAYED not in str(caller.notebook.records["call"].messages)

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


async def handed_over_ms(house: House) -> float:
    """When the call is handed over, in a call in which nobody says anything more."""
    async with call(house) as caller:
        type_in(caller, "go to second")
        await until(caller, "second heard")
        return next(told.at_ms for told in caller.told if isinstance(told.message, messages.Agent))


@pytest.mark.parametrize("how", ["spoken", "typed", "dropped", "moved"])
def test_words_around_the_hand_over_are_answered(how: str) -> None:
    """Whether they come some frames before it, in its frame or after it, and if the connection is lost there."""

    at_ms = run_virtual(handed_over_ms(House()))

    async def scenario(offset_ms: int) -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            await caller.wait(at_ms + offset_ms - (300 if how == "spoken" else 0))
            if how == "spoken":
                await caller.say("aa bb", 300)
            elif how == "typed":
                type_in(caller, "aa bb")
            elif how == "dropped":
                await caller.drop(60)
                await caller.wait(2_000)
                caller.come_back()
                await caller.wait(15_000)
                assert present(caller) == "second", offset_ms
                heard = " ".join(each.text for each in caller.notebook.records["call"].said)
                assert "They will help you with that now." in heard, (offset_ms, heard)
                assert "second heard" in heard, (offset_ms, heard)
                return
            else:
                caller.session.move()
                await caller.session.over.wait()
                record = caller.notebook.records["call"]
                handed = "hands the call over" in str(record.messages)
                assert record.standing.agent == ("second" if handed else "first"), offset_ms
                assert handed or STAYED in str(record.messages), offset_ms
                return
            await caller.wait(12_000)
            asked = " ".join(last_said(history) for history in house.seen)
            assert "aa bb" in asked, offset_ms
            assert caller.session.dialogue.standing.unanswered == ""
            last = "second" if present(caller) == "second" else "first"
            assert f"{last} heard" in caller.answers[-1].text, offset_ms

    for offset_ms in (*range(-400, -100, 60), *range(-100, 120, 20), *range(120, 700, 80)):
        run_virtual(scenario(offset_ms))
