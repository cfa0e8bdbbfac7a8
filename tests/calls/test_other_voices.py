"""Other voices beside the caller, such as a radio, in whole calls on virtual time."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from pydantic_ai.messages import UserPromptPart

from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from server.media.frame import SILENCE
from tests.fakes.engines import WORD_MS, LetterSpeechToText, sound
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

ANSWER = "The answer to {} is that we are open all day long."
NO_ANSWER = "I am sorry, but I do not know anything about that."


class Answers(dict[str, str]):
    """Answers by the numbers of the questions that are in what was said, if there are any."""

    def get(self, said: str, default: str = "") -> str:  # type: ignore[override]
        numbers = re.findall(r"number\d+", said)
        return ANSWER.format(" and ".join(numbers)) if numbers else NO_ANSWER


def radio(softer_db: float, sentence: int = 12, pause_ms: int = 600) -> Iterator[bytes]:
    """News without end, in sentences of so many words; 0: without a pause."""
    frames = WORD_MS // 20
    for number in count(1):
        for frame in range(frames):
            yield sound(("news", "weather", "traffic", "music")[number % 4], frame, frames, softer_db)
        if sentence and number % sentence == 0:
            for _ in range(pause_ms // 20):
                yield SILENCE


@pytest.mark.parametrize("softer_db", [15, 20])
@pytest.mark.parametrize("sentence", [4, 12, 0])
def test_every_question_beside_a_radio_is_answered_and_heard(softer_db: float, sentence: int) -> None:
    """For five minutes a radio is on, 15 dB softer than the caller: each question is answered, and heard whole."""

    async def scenario() -> None:
        async with Caller(Mind(answers=Answers()), greeting="Hello, this is the shop. How can I help?") as caller:
            caller.radio = radio(softer_db, sentence)
            asked = 0
            while caller.now_ms < 300_000:
                await caller.wait(7_000)
                asked += 1
                await caller.say(f"question number{asked} please")
                await caller.wait(11_000)
            whole = " ".join(answer.text for answer in caller.answers if not answer.interrupted)
            assert set(re.findall(r"number\d+", whole)) == {f"number{number}" for number in range(1, asked + 1)}
        assert asked > 15

    run_virtual(scenario())


def test_a_radio_that_is_switched_on_later_is_not_answered() -> None:
    """Once the caller's voice is known, a radio neither stops the agent nor is answered again and again."""

    async def scenario() -> None:
        mind = Mind(answers=Answers())
        async with Caller(mind) as caller:
            await caller.say("question number1 please")
            await caller.until_silent()
            caller.radio = radio(15)
            for number in range(2, 12):
                await caller.say(f"question number{number} please")
                await caller.wait(8_000)
        assert not [answer.text for answer in caller.answers if answer.interrupted]
        assert mind.requests <= 13

    run_virtual(scenario())


@pytest.mark.parametrize("sentence", [4, 12, 0])
def test_a_radio_alone_does_not_hold_the_line(sentence: int) -> None:
    """With a telephone that lies beside a radio the agent soon speaks to its end, asks, and says goodbye."""

    async def scenario() -> None:
        mind = Mind(answers=Answers())
        async with Caller(mind, greeting="Hello, this is the shop. How can I help?") as caller:
            caller.radio = radio(0, sentence)
            while not caller.hung_up:
                await caller.wait(1_000)
                assert caller.now_ms < 180_000
        said = [answer.text for answer in caller.answers if not answer.interrupted]
        assert said.count("I can hear other voices. Are you still there?") == 2
        assert said[-1] == "Goodbye."
        assert mind.requests <= 15
        assert len([answer for answer in caller.answers if answer.interrupted]) <= 5

    run_virtual(scenario())


def test_a_command_is_heard_over_other_voices() -> None:
    """Where voices do not let the agent speak, "stop" still stops it, and what is said with it is answered."""

    async def scenario() -> None:
        async with Caller(Mind(answers=Answers())) as caller:
            caller.radio = radio(0, 8)
            while not caller.session.dialogue.in_company or caller.states[-1] != "speaking":
                await caller.wait(20)
            caller.radio = iter(())
            await caller.wait(200)
            await caller.say("stop")
            await caller.wait(300)
            assert caller.answers[-1].interrupted
            await caller.say("question number1 please")
            await caller.until_silent()
            assert caller.answers[-1].text == ANSWER.format("number1")
            assert not caller.session.dialogue.in_company

    run_virtual(scenario())


LONG_ANSWER = "Let me see what I can do for you about that, one moment, I am looking at it."


class Slow(dict[str, str]):
    """The same long answer to everything."""

    def get(self, said: str, default: str = "") -> str:  # type: ignore[override]
        return LONG_ANSWER


def test_a_caller_who_speaks_in_many_pieces_loses_no_words() -> None:
    """When a caller has cut off three answers unheard, the fourth is heard, and the words over it are answered then."""

    async def scenario() -> None:
        mind = Mind()
        pieces = (
            "i want a book",
            "a green book please",
            "with many birds inside",
            "in large print please",
            "and cheap",
        )
        async with Caller(mind) as caller:
            for piece in pieces:
                await caller.say(piece)
                while caller.states[-1] == "hearing":
                    await caller.wait(20)
                await caller.wait(160)
            await caller.until_silent()
        fourth, fifth = [answer.text for answer in caller.answers if not answer.interrupted]
        assert fourth.endswith("in large print please.")
        assert fifth == "You said and cheap."
        parts = [part for message in mind.seen[-1] for part in message.parts if isinstance(part, UserPromptPart)]
        assert " ".join(str(part.content) for part in parts) == " ".join(pieces)

    run_virtual(scenario())


def test_a_caller_who_goes_on_twice_and_then_tells_a_story_is_let_finish() -> None:
    """Two answers that are cut off early do not make a caller's long story the voice of others."""
    story = " ".join(f"word{number}" for number in range(50)) + " please"

    async def scenario() -> None:
        async with Caller(Mind(answers=Slow())) as caller:
            for piece in ("i want a pizza", "with some ham"):
                await caller.say(piece)
                await caller.wait(520)
            await caller.say(story)
            assert caller.states[-1] == "hearing"
            await caller.until_silent()
        assert caller.captions[-1] == story
        assert [answer.text for answer in caller.answers if not answer.interrupted] == [LONG_ANSWER]

    run_virtual(scenario())


def test_a_caller_who_corrects_the_agent_three_times_is_heard() -> None:
    """Corrections early in the answer stop the agent, also the third one in a row."""

    async def scenario() -> None:
        async with Caller(Mind(answers=Slow())) as caller:
            await caller.say("two tickets to boston")
            for correction in (
                "sorry i meant three tickets",
                "and i mean to austin really",
                "not on monday but on tuesday",
            ):
                await caller.wait(1_100)
                assert caller.states[-1] == "speaking"
                await caller.say(correction)
                assert caller.states[-1] == "hearing"
            await caller.until_silent()
        assert caller.captions[-1] == "not on monday but on tuesday"

    run_virtual(scenario())


async def crowded(caller: Caller, ms: float) -> None:
    """People beside the telephone talk until the agent knows that it is in company, and for so long after it."""
    caller.radio = radio(0, 8)
    while not caller.session.dialogue.in_company:
        await caller.wait(20)
    await caller.wait(ms)
    caller.radio = iter(())


@pytest.mark.parametrize("company_ms", range(4_000, 12_000, 1_000))
def test_a_caller_who_was_heard_in_company_is_not_asked_at_once(company_ms: int) -> None:
    """When the other voices are gone and an answer was listened to, the time before is no silence."""

    async def scenario() -> None:
        async with Caller(Mind(answers=Answers())) as caller:
            await crowded(caller, company_ms)
            while caller.session.dialogue.in_company:
                await caller.wait(20)
            await caller.wait(11_500)
        assert "Are you still there?" not in [answer.text for answer in caller.answers]

    run_virtual(scenario())


def test_a_long_goodbye_is_said_to_its_end_over_other_voices() -> None:
    """The call with a telephone that lies beside a radio ends after the goodbye, and not during it."""
    goodbye = "Thank you very much for calling the shop on the river. Have a nice day and goodbye."

    class Polite(Mind):
        def agent(self, greeting: str = "") -> VoiceAgent:
            return replace(super().agent(greeting), goodbye=goodbye)

    async def scenario() -> None:
        async with Caller(Polite(answers=Answers())) as caller:
            caller.radio = radio(0, 12)
            while not caller.hung_up:
                await caller.wait(100)
        assert (caller.answers[-1].text, caller.answers[-1].interrupted) == (goodbye, False)

    run_virtual(scenario())


@pytest.mark.parametrize("partial_ms", [0, None])
def test_in_company_words_over_a_long_answer_are_answered(partial_ms: int | None) -> None:
    """Words that last longer than an utterance may, over an answer that goes on, are answered after it."""

    class Chatty(dict[str, str]):
        def get(self, said: str, default: str = "") -> str:  # type: ignore[override]
            return "Thank you." if "word" in said else LONG_ANSWER * 8

    async def scenario() -> None:
        mind = Mind(answers=Chatty())
        stt, settings = LetterSpeechToText(partial_ms=partial_ms), CallSettings(idle_prompt_s=60)
        async with Caller(mind, stt, settings=settings) as caller:
            await crowded(caller, 0)
            while caller.states[-1] != "speaking":
                await caller.wait(20)
            await caller.say(" ".join(f"word{number}" for number in range(96)))
            await caller.until_silent()
        answered = last_said(mind.seen[-1])
        assert re.findall(r"word\d+", answered) == [f"word{number}" for number in range(96)]

    run_virtual(scenario())


@pytest.mark.parametrize("softer_db", [8, 12, 20])
def test_a_caller_who_speaks_softly_is_answered(softer_db: float) -> None:
    """A caller who has turned away after the first question is heard when nobody speaks."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("where is my order")
            await caller.until_silent()
            words, frames = ["and", "when", "will", "it", "come"], WORD_MS // 20
            caller.radio = (sound(word, frame, frames, softer_db) for word in words for frame in range(frames))
            await caller.until_silent()
        assert [answer.text for answer in caller.answers][-1] == "You said and when will it come."

    run_virtual(scenario())


def test_a_telephone_that_is_handed_over_hears_the_other_person() -> None:
    """Who speaks 15 dB softer than the caller, and long over the agent, is heard when they wait until nobody speaks."""

    async def scenario() -> None:
        answer = "Let me see what I can do for you about that, one moment, I am looking at it."
        mind = Mind(answers={"i give you my wife": answer})
        async with Caller(mind, settings=CallSettings(idle_prompt_s=60)) as caller:
            await caller.say("i give you my wife")
            await caller.wait(1_500)
            await caller.say("yes hello this is his wife and i would like to talk please thank you", softer_db=15)
            await caller.wait(3_000)
            await caller.say("i would like a table", softer_db=15)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == [answer, "You said i would like a table."]

    run_virtual(scenario())


def test_a_caller_who_begins_loudly_can_stop_the_agent() -> None:
    """When the first words were 10 dB louder than all others, "stop" is heard from the third answer after them on."""

    async def scenario() -> None:
        async with Caller(Mind(answers=Answers())) as caller:
            await caller.say("question number1 please")
            await caller.until_silent()
            for number in range(2, 7):
                await caller.say(f"question number{number} please", softer_db=10)
                await caller.wait(1_500)
                if number > 3:
                    await caller.say("stop please stop", softer_db=10)
                    await caller.wait(300)
                    assert caller.answers[-1].interrupted
                await caller.wait(6_000)

    run_virtual(scenario())


def test_a_client_is_told_nothing_of_a_far_voice() -> None:
    """A far voice over the agent opens no utterance, so the page shows no words of it."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody came."
        async with Caller(Mind(answers={"tell me a story": story}), settings=CallSettings(idle_prompt_s=60)) as caller:
            await caller.say("tell me a story")
            await caller.wait(1_500)
            caller.radio = radio(15, 0)
            while caller.states[-1] == "speaking":
                await caller.wait(20)
            caller.radio = iter(())
            await caller.wait(100)
        assert [answer.text for answer in caller.answers] == [story]
        assert {m.utterance for m in caller.of(messages.Transcription) if isinstance(m, messages.Transcription)} == {1}

    run_virtual(scenario())
