"""Calls whose language is detected, on virtual time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from server.call.options import CallOptions
from server.call.turns.lexicon.choice import lexicon_of
from server.media.frame import FRAME_MS
from tests.calls.speakers import ENGLISH, GERMAN, Speaker, hearing_two, language_of, lexicon, spoken, told
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@pytest.mark.parametrize(("fields", "wish"), [({"language": "auto"}, ""), ({}, "auto")])
def test_the_language_is_detected(fields: Mapping[str, Any], wish: str) -> None:
    """The call begins in the agent's own language and goes on in the one that the caller is heard to speak: the answer
    to these words is spoken in it already, and the next words are expected in it."""

    async def scenario() -> None:
        caller = Caller(Speaker(voice="amy", **fields), hearing_two(), options=CallOptions(language=wish))
        async with caller:
            await caller.say(GERMAN)
            await caller.until_silent()
            assert lexicon(caller) is lexicon_of("de")
            await caller.say("ja gern")
            await caller.until_silent()
            await caller.say(ENGLISH)
            await caller.until_silent()
        assert told(caller) == ["", "de", "de"]
        assert caller.stt.open_to == [["en", "de"], ["en"], ["en"]]
        assert [how for _, *how in spoken(caller)] == [["", "de"], ["", "de"], ["amy", "en"]]
        assert ["tag de:" in text for text in caller.mind.told] == [True, True, False]
        assert "tag en:" in caller.mind.told[-1]

    run_virtual(scenario())


def test_pauses_are_judged_by_the_words_of_the_language() -> None:
    """In English nobody is done after "the". In German it may be the last word, also once German was detected."""

    async def gap_ms(fields: Mapping[str, Any], *before: str) -> float:
        async with Caller(Speaker(**fields), hearing_two()) as caller:
            for words in before:
                await caller.say(words)
                await caller.until_silent()
            await caller.say("bitte eine tasse the")
            end_ms = caller.now_ms
            await caller.until_silent(2_000)
            return (caller.first_sound_ms(end_ms) or 0) - end_ms

    english, german = run_virtual(gap_ms({})), run_virtual(gap_ms({"language": "de"}))
    assert english > german + 300
    assert abs(run_virtual(gap_ms({"language": "auto"}, GERMAN)) - german) <= FRAME_MS


def test_the_language_is_kept_where_nothing_tells_it() -> None:
    """Short words, words that tell nothing, and a language that is not possible here leave the call in its language."""

    async def scenario() -> None:
        stt = LetterSpeechToText(languages=("en", "de"), tells={"morgen": "de", "matin": "fr"})
        caller = Caller(Speaker(language="auto", languages=("en", "de")), stt)
        async with caller:
            for words in ("morgen", "bonjour ce matin madame", "the sun shines today"):
                await caller.say(words)
                await caller.until_silent()
        assert told(caller) == ["", "", ""]
        assert {how for _, *rest in spoken(caller) for how in [tuple(rest)]} == {("", "en")}
        assert "language" not in caller.mind.told[-1]

    run_virtual(scenario())


def test_only_languages_that_all_know_are_possible() -> None:
    """They are those of the agent, or all that speech-to-text hears, as far as they are spoken here."""
    agent = replace(Mind().agent(), language="auto")
    assert language_of(agent, CallOptions(), spoken=("de_DE", "en_US")).others == ["en", "de"]
    few = replace(agent, languages=("fr", "en-GB", "tlh"))
    assert language_of(few, CallOptions()).others == ["fr", "en-GB"]
    alone = language_of(agent, CallOptions(), heard=("en-US",))
    assert (alone.likely, alone.others) == ("en", [])
    chosen = language_of(agent, CallOptions(language="de"))
    assert (chosen.likely, chosen.others) == ("de", [])


def test_a_region_is_not_lost_by_detection() -> None:
    """Engines tell languages without regions. The region that a tool has chosen stays."""
    held = language_of(replace(Mind().agent(), language="auto", languages=("en", "de")), CallOptions())
    assert held.switch("de-AT").startswith("From now on")
    held.hear("de", GERMAN)
    assert (held.tag, held.likely, held.others) == ("de-AT", "de-AT", ["en"])
    held.hear("en", ENGLISH)
    assert (held.tag, held.likely, held.others) == ("en", "en", ["de"])


def test_a_conversation_goes_on_in_its_language() -> None:
    """Another server that takes a call over from its record holds it in the language that it had."""

    async def scenario() -> None:
        caller = Caller(Speaker(language="auto"), hearing_two())
        async with caller:
            assert caller.session.dialogue.standing.language == ""
            await caller.say(GERMAN)
            await caller.until_silent()
            standing = caller.session.dialogue.standing
        agent = Speaker(language="auto").agent()
        restored = language_of(agent, CallOptions(), recorded=standing.language)
        assert (restored.tag, restored.likely, restored.to_answer_in) == ("de", "de", "de")
        elsewhere = language_of(agent, CallOptions(), recorded=standing.language, spoken=("en",))
        assert (elsewhere.tag, elsewhere.to_answer_in) == ("en", ""), "that server does not speak it"
        assert caller.notebook.records["call"].standing.language == "de"

    run_virtual(scenario())
