"""Calls in which the agent fails to answer again and again, on virtual time: it says so and ends the call."""

import asyncio
from dataclasses import replace

import pytest

from server.agent.lines import DEFAULT_LINES
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.options import CallOptions
from server.call.settings import CallSettings
from tests.fakes.engines import LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

SORRY = "Sorry, something went wrong on my side. Could you say that again?"
GIVES_UP = "I am sorry, I cannot help you at the moment. Please call again later. Goodbye."


async def is_over(caller: Caller) -> None:
    """The call ends within ten seconds."""
    async with asyncio.timeout(10):
        await asyncio.shield(caller._running)


@pytest.mark.parametrize("broken", ["speech-to-text", "model"])
def test_after_several_failed_turns_the_agent_says_so_and_hangs_up(broken: str) -> None:
    """The caller hears three apologies, then that the agent cannot help, and its goodbye."""

    async def scenario() -> None:
        mind = Mind(failures=99 * (broken == "model"))
        async with Caller(mind, LetterSpeechToText(failures=99 * (broken == "speech-to-text"))) as caller:
            for _ in range(3):
                await caller.say("where is my order")
                await caller.until_silent()
            await caller.say("where is my order")
            await is_over(caller)
            assert [answer.text for answer in caller.answers if answer.text] == [*[SORRY] * 3, GIVES_UP]
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


@pytest.mark.parametrize("interrupted", [False, True])
def test_an_answer_begins_the_count_anew(interrupted: bool) -> None:
    """An agent that fails now and then goes on, also when the caller interrupts the answers that do not fail."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and pictures, and many other things."
        mind = Mind(answers={"story": story})
        async with Caller(mind) as caller:
            for _ in range(4):
                mind.failures = 3
                for _ in range(3):
                    await caller.say("where is my order")
                    await caller.until_silent()
                await caller.say("story")
                if interrupted:
                    await caller.wait(2_000)
                    caller.session.receive_text(messages.Interrupt().to_json())
                else:
                    await caller.until_silent()
            assert not caller.session.ended
            assert [answer.interrupted for answer in caller.answers].count(True) == (4 if interrupted else 0)

    run_virtual(scenario())


def test_an_operator_may_want_apologies_for_ever() -> None:
    """0 is no limit."""

    async def scenario() -> None:
        async with Caller(Mind(failures=99), settings=CallSettings(failed_turns=0)) as caller:
            for _ in range(8):
                await caller.say("where is my order")
                await caller.until_silent()
            assert [answer.text for answer in caller.answers if answer.text] == [SORRY] * 8

    run_virtual(scenario())


def test_an_agent_without_a_voice_hangs_up() -> None:
    """When text-to-speech is what fails, nothing can be said, and the call ends all the same."""

    async def scenario() -> None:
        async with Caller(Mind(), tts=SteadyTextToSpeech(failures=999)) as caller:
            for _ in range(3):
                caller.session.receive_text(messages.Text(text="hello").to_json())
                await caller.wait(8_000)
            assert not caller.session.ended
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await is_over(caller)

    run_virtual(scenario())


def test_each_failed_turn_has_its_own_apology() -> None:
    """After a turn whose apology could not be said either, the next failure is apologised for again."""

    async def scenario() -> None:
        mind, tts = Mind(), SteadyTextToSpeech(failures=99)
        async with Caller(mind, tts=tts) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.wait(10_000)
            tts.failures, mind.failures = 0, 1
            await caller.say("are you there")
            await caller.until_silent()
            assert caller.answers[-1].text == SORRY

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("fields", "language", "said"),
    [
        ({"apology": ""}, "", [GIVES_UP]),
        ({"cannot_help": "We are closed."}, "", [SORRY, "We are closed. Goodbye."]),
        ({"cannot_help": "", "goodbye": "Bye."}, "", [SORRY, "Bye."]),
        ({"cannot_help": "", "goodbye": ""}, "", [SORRY]),
        ({}, "de", [DEFAULT_LINES["de"].apology, f"{DEFAULT_LINES['de'].cannot_help} Auf Wiederhören."]),
    ],
    ids=["no apology", "own line", "goodbye alone", "no words", "German"],
)
def test_authors_and_callers_choose_the_words(fields: dict[str, str], language: str, said: list[str]) -> None:
    """The line is like the other fixed lines: an author may write or leave it out, and it follows the language."""

    class Worded(Mind):
        def agent(self, greeting: str = "") -> VoiceAgent:
            return replace(super().agent(greeting), **fields)

    async def scenario() -> None:
        settings, options = CallSettings(failed_turns=2), CallOptions(language=language)
        async with Caller(Worded(failures=99), settings=settings, options=options) as caller:
            for _ in range(2):
                await caller.say("where is my order")
                await caller.wait(8_000)
            await is_over(caller)
            assert [answer.text for answer in caller.answers if answer.text] == said

    run_virtual(scenario())
