"""Sounds without words, in whole calls on virtual time: they change nothing for good."""

from collections.abc import Callable, Sequence

import pytest

from server.call import messages
from server.speech.protocols import ANYBODY, Asker
from tests.fakes.engines import COUGH, LetterSpeechStream, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_cough_over_the_agent_changes_nothing() -> None:
    """A cough holds the agent for a moment; then the same answer goes on to its end."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2000)
            await caller.say(COUGH)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == [story]
        assert not caller.answers[0].interrupted
        assert mind.requests == 1

    run_virtual(scenario())


@pytest.mark.parametrize("then", ["nothing", "button", "question"])
def test_an_answer_that_a_long_noise_has_stopped_goes_on(then: str) -> None:
    """After a long noise the answer goes on from the interrupted clause, unless the caller stops it or asks."""

    async def scenario() -> None:
        clauses = ["Once upon a time there was a shop.", "It sold books of every kind.", "Nobody came."]
        mind = Mind(answers={"tell me a story": " ".join(clauses)})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2500)
            await caller.say(COUGH, word_ms=1200)
            if then == "button":
                caller.session.receive_text(messages.Interrupt().to_json())
                await caller.wait(3000)
            elif then == "question":
                await caller.say("who are you")
                await caller.until_silent()
            else:
                await caller.until_silent()
        first, *others = (answer.text for answer in caller.answers)
        assert clauses[0].startswith(first)
        assert others == {"nothing": [" ".join(clauses)], "button": [], "question": ["You said who are you."]}[then]
        assert mind.requests == (2 if then == "question" else 1)

    run_virtual(scenario())


def test_an_answer_that_was_stopped_while_its_end_had_no_sound_yet_goes_on() -> None:
    """An answer that a noise stopped goes on even if text-to-speech has not made its end yet."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody came."
        async with Caller(Mind(answers={"tell me a story": story}), tts=SteadyTextToSpeech(first_ms=1_500)) as caller:
            await caller.say("tell me a story")
            await caller.wait(2500)
            await caller.say(COUGH, word_ms=1200)
            await caller.until_silent(ms=3_000)
        first, *others = (answer.text for answer in caller.answers)
        assert story.startswith(first)
        assert others == [story]

    run_virtual(scenario())


def test_an_answer_that_noise_after_noise_has_stopped_goes_on() -> None:
    """An answer goes on after two noises, even if the second comes before a word of the rest was heard."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody came."
        async with Caller(Mind(answers={"tell me a story": story})) as caller:
            await caller.say("tell me a story")
            await caller.wait(2500)
            await caller.say(COUGH, word_ms=1200)
            while caller.states[-1] != "speaking":
                await caller.wait(20)
            await caller.say(COUGH, word_ms=1200)
            await caller.until_silent()
        first, second, *others = (answer.text for answer in caller.answers)
        assert story.startswith(first)
        assert (second, others) == ("", [story])

    run_virtual(scenario())


def test_a_noise_in_silence_is_not_answered() -> None:
    """A cough while nobody speaks is withdrawn, and costs no request to the model."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say(COUGH)
            await caller.wait(3000)
        assert mind.requests == 0
        assert not any(caller.heard)
        assert [(m.text, m.final) for m in caller.of(messages.Transcription)] == [("", True)]
        assert caller.states[-2:] == ["listening", "closed"]

    run_virtual(scenario())


class DottingSpeechToText(LetterSpeechToText):
    """Writes a full stop where there are no words, as Whisper does."""

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> LetterSpeechStream:
        self.opened += 1
        return Dotting(self, on_partial)


class Dotting(LetterSpeechStream):
    async def transcript(self) -> str:
        return f"{await super().transcript()}."


def test_a_noise_that_is_written_as_a_full_stop_is_not_answered() -> None:
    """A transcript of punctuation alone counts as a noise; words keep their punctuation."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind, DottingSpeechToText()) as caller:
            await caller.say(COUGH)
            await caller.wait(3_000)
            assert mind.requests == 0
            await caller.say("where is my order")
            await caller.until_silent()
        assert caller.captions == ["where is my order."]

    run_virtual(scenario())


def test_a_cough_while_slow_words_are_awaited_does_not_lose_the_question() -> None:
    """A cough during the wait for a transcript does not disturb that wait."""

    async def scenario() -> None:
        async with Caller(Mind(), LetterSpeechToText(final_ms=800)) as caller:
            await caller.say("what time is it")
            await caller.wait(500)
            await caller.say(COUGH)
            await caller.until_silent(limit_ms=20_000)
        assert caller.answers[-1].text == "You said what time is it."

    run_virtual(scenario())


def test_a_noise_while_slow_words_are_awaited_does_not_lose_them() -> None:
    """A long noise during the wait for a transcript loses no words; they are answered when it is known as noise."""

    async def scenario() -> None:
        async with Caller(Mind(), LetterSpeechToText(final_ms=2_500, partial_ms=None)) as caller:
            await caller.say("where is my order")
            await caller.wait(700)
            await caller.say(COUGH, word_ms=1_000)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said where is my order."]
        assert caller.captions == ["where is my order"]

    run_virtual(scenario())


def test_a_long_noise_while_the_answer_is_made_does_not_lose_the_question() -> None:
    """A long noise seems to continue the question; once it is known to have no words, the question is answered."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=2_000)) as caller:
            await caller.say("where is my order")
            await caller.wait(600)
            await caller.say(COUGH, word_ms=1_000)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers if answer.text] == ["You said where is my order."]
        assert caller.captions == ["where is my order"]

    run_virtual(scenario())
