"""Calls in a language that they have chosen, on virtual time."""

from dataclasses import replace

import pytest

from server.call.mind.language import CallLanguage, check_language
from server.call.mouth.reply import Pronunciation
from server.call.options import CallOptions
from server.errors import PeerError
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_call_in_another_language() -> None:
    """The call is heard, answered and spoken in its language; the agent's fixed lines keep their language and voice."""

    async def scenario() -> None:
        caller = Caller(Mind(), greeting="Hello, this is the shop.", options=CallOptions(language="de"))
        async with caller:
            await caller.until_silent()
            await caller.say("wie spät ist es")
            await caller.until_silent()
        assert caller.stt.asked == [((), "de")]
        assert "tag de:" in caller.mind.told[-1]
        spoken = list(zip(caller.tts.said, caller.tts.manners, strict=True))
        assert spoken[0] == ("Hello, this is the shop.", ("", ""))
        assert spoken[-1] == ("You said wie spät ist es.", ("", "de"))

    run_virtual(scenario())


def test_the_agents_own_language_may_be_chosen() -> None:
    """The agent's own language keeps its phrases and voice; without a choice the model is told no language."""

    async def scenario() -> None:
        agent = replace(Mind().agent(), voice="amy", phrases=("what time is it",), greeting="Hello.")
        english, none = CallLanguage(agent, CallOptions(language="en-GB")), CallLanguage(agent, CallOptions())
        assert english.expected(agent.phrases) == none.expected(agent.phrases) == agent.phrases
        assert english.of_answers == english.of_line("Hello.") == Pronunciation("amy", "en-GB")
        assert none.of_answers == none.of_line("Hello.") == Pronunciation("amy", "")
        german = CallLanguage(agent, CallOptions(language="de", voice="eva"))
        assert (german.of_answers, german.of_line("Hello.")) == (Pronunciation("eva", "de"), Pronunciation("amy", ""))
        assert german.of_line("Guten Tag.") == german.of_answers
        async with Caller(Mind()) as caller:
            await caller.say("hello")
            await caller.until_silent()
        assert "language" not in caller.mind.told[-1]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("language", "unknown"), [("de", None), ("", None), ("fr", "text-to-speech"), ("en-GB", "the agent")]
)
def test_a_language_that_somebody_does_not_know_is_refused(language: str, unknown: str | None) -> None:
    """A call in an unknown language is refused, and the sentence says which part does not know it."""
    stages = {"speech-to-text": ["en", "de", "fr"], "text-to-speech": ["en_US", "de_DE"], "the agent": ["de"]}
    if unknown is None:
        check_language(language, stages)
        return
    with pytest.raises(PeerError, match=unknown):
        check_language(language, stages)
