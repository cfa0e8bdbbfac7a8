"""Callers who answer the agent's question before it is over, on virtual time."""

import pytest

from tests.fakes.engines import CHARS_PER_S, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

QUESTION = "Welcome to our little shop by the river. Would you like small or medium today?"
QUESTION_MS = 1_000 * len(QUESTION) / CHARS_PER_S


async def asked(caller: Caller) -> None:
    """The caller lets the agent ask its question, and hears its first sound."""
    await caller.say("order")
    while not any(caller.heard):
        await caller.wait(20)


@pytest.mark.parametrize("before_ms", [800, 600, 400, 200, 60, 0, -40, -200])
@pytest.mark.parametrize("word", ["yes", "no", "medium", "today", "okay"])
@pytest.mark.parametrize("stt", [LetterSpeechToText(), LetterSpeechToText(final_ms=600, partial_ms=None)])
def test_a_word_over_the_end_of_a_question_answers_it(word: str, before_ms: int, stt: LetterSpeechToText) -> None:
    """One word from 0.8 s before the end of a question until just after it is an answer, also one of the agent's."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"order": QUESTION}), stt) as caller:
            await asked(caller)
            await caller.wait(QUESTION_MS - before_ms)
            await caller.say(word)
            await caller.until_silent()
        assert caller.answers[-1].text == f"You said {word}."
        assert caller.captions == ["order", word]

    run_virtual(scenario())


def test_the_agents_own_words_in_the_middle_are_the_callers() -> None:
    """Where the agent's voice does not come back, a caller who says its words over it interrupts it."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"order": f"{QUESTION} {QUESTION}"})) as caller:
            await asked(caller)
            await caller.wait(QUESTION_MS)
            await caller.say("medium today")
            await caller.until_silent()
        assert caller.answers[0].interrupted
        assert caller.answers[-1].text == "You said medium today."

    run_virtual(scenario())


def test_a_word_in_the_agents_pause_answers_its_question() -> None:
    """While the next clause has no sound yet, the caller hears a pause, and one word in it is an answer."""

    async def scenario() -> None:
        mind = Mind(answers={"order": "Would you like small or medium? The small one is sold out."})
        async with Caller(mind, tts=SteadyTextToSpeech(first_ms=4_000)) as caller:
            await asked(caller)
            await caller.wait(2_400)
            assert not any(caller.heard[-10:])
            await caller.say("medium")
            await caller.until_silent(ms=5_000)
        assert caller.answers[0].text == "Would you like small or medium?"
        assert caller.answers[-1].text == "You said medium."

    run_virtual(scenario())
