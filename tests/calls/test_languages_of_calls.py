"""Calls in the agent's own language, and in one that they have chosen, on virtual time."""

from dataclasses import replace

import pytest

from server.call.mind.language import check_language
from server.call.mouth.reply import Pronunciation
from server.call.options import CallOptions
from server.call.turns.lexicon.choice import lexicon_of
from server.errors import PeerError
from tests.calls.speakers import Speaker, language_of, lexicon, spoken, told
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_the_agents_own_language_reaches_all_stages() -> None:
    """In a call that chooses no language, a German agent is heard, judged and spoken in German, its lines too.

    The model is told nothing, because the agent's own instructions are enough.
    """

    async def scenario() -> None:
        caller = Caller(Speaker(language="de", voice="eva"), greeting="Guten Tag.")
        caller.tts.failures = 1
        async with caller:
            await caller.until_silent()
            await caller.say("wie spät ist es")
            await caller.until_silent()
            assert lexicon(caller) is lexicon_of("de")
        assert told(caller) == ["de"]
        assert caller.stt.open_to == [[]]
        assert [how for _, *how in spoken(caller)] == [["eva", "de"]] * len(caller.tts.said)
        assert caller.tts.said[0].startswith("Entschuldigung,")
        assert caller.tts.said[-1] == "You said wie spät ist es."
        assert "language" not in caller.mind.told[-1]

    run_virtual(scenario())


def test_a_call_in_another_language() -> None:
    """The call is heard, answered and spoken in its language. A line that the author has written only in the agent's
    own language is said in that language, and in the agent's voice."""

    async def scenario() -> None:
        mind = Speaker(voice="amy", phrases=("what time is it",))
        caller = Caller(mind, greeting="Hello, this is the shop.", options=CallOptions(language="de"))
        async with caller:
            await caller.until_silent()
            await caller.say("wie spät ist es")
            await caller.until_silent()
        assert caller.stt.asked == [((), "de")]
        assert "tag de:" in caller.mind.told[-1]
        assert spoken(caller)[0] == ("Hello, this is the shop.", "amy", "en")
        assert spoken(caller)[-1] == ("You said wie spät ist es.", "", "de")

    run_virtual(scenario())


def test_the_agents_own_language_may_be_chosen() -> None:
    """A region of it keeps the agent's phrases and voice, and the model is told the language."""
    agent = replace(Mind().agent("Hello."), voice="amy", phrases=("what time is it",))
    british, none = language_of(agent, CallOptions(language="en-GB")), language_of(agent, CallOptions())
    assert british.expected(agent.phrases) == none.expected(agent.phrases) == agent.phrases
    assert british.of_answers == british.of_line("Hello.") == Pronunciation("amy", "en-GB")
    assert none.of_answers == none.of_line("Hello.") == Pronunciation("amy", "en")
    assert (british.to_answer_in, none.to_answer_in) == ("en-GB", "")
    german = language_of(agent, CallOptions(language="de", voice="eva"))
    assert (german.of_answers, german.of_line("Hello.")) == (Pronunciation("eva", "de"), Pronunciation("amy", "en"))
    assert german.of_line("Guten Tag.") == german.of_answers
    assert german.expected(agent.phrases) == ()


@pytest.mark.parametrize(
    ("language", "unknown"),
    [("de", None), ("", None), ("auto", None), ("fr", "text-to-speech"), ("en-GB", "the agent")],
)
def test_a_language_that_somebody_does_not_know_is_refused(language: str, unknown: str | None) -> None:
    """A call in an unknown language is refused, and the sentence says which part does not know it."""
    stages = {"speech-to-text": ["en", "de", "fr"], "text-to-speech": ["en_US", "de_DE"], "the agent": ["de"]}
    if unknown is None:
        check_language(language, stages)
        return
    with pytest.raises(PeerError, match=unknown):
        check_language(language, stages)
