"""Calls in the agent's own language, in one that they have chosen, and in one that is detected, on virtual time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

from server.agent.call_language import CallLanguage, switch_language
from server.agent.lines import DEFAULT_LINES, Lines
from server.agent.voice_agent import VoiceAgent
from server.call.mind.language import LanguageOfCall, check_language
from server.call.mouth.reply import Pronunciation
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.setup import CallSetup, Engines
from server.call.turns.lexicon.choice import lexicon_of
from server.errors import PeerError
from server.media.frame import FRAME_MS
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

ENGLISH = "good morning everybody"
GERMAN = "guten morgen zusammen"
TELLS = {"morning": "en", "morgen": "de", "matin": "fr"}


class Speaker(Mind):
    """A mind whose agent has other fields."""

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self.fields = fields

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), **self.fields)


def spoken(caller: Caller) -> list[tuple[str, str, str]]:
    """The texts that were spoken, each with its voice and its language."""
    return [(text, *how) for text, how in zip(caller.tts.said, caller.tts.manners, strict=True)]


def told(caller: Caller) -> list[str]:
    return [language for _, language in caller.stt.asked]


def hearing_two() -> LetterSpeechToText:
    return LetterSpeechToText(tells=TELLS)


def lexicon(caller: Caller) -> object:
    return caller.session.dialogue.language.lexicon


# The agent's own language


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


def language_of(
    agent: VoiceAgent, options: CallOptions, recorded: str = "", **known: tuple[str, ...]
) -> LanguageOfCall:
    stt = LetterSpeechToText(languages=known.get("heard", ("en", "de", "fr")))
    tts = SteadyTextToSpeech(languages=known.get("spoken", ("en", "de", "fr")))
    return LanguageOfCall(CallSetup(agent, None, Engines(stt, tts, EnergyVad()), options=options), recorded)


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


# Fixed lines


@pytest.mark.parametrize(
    ("fields", "language", "line", "spoken_as"),
    [
        ({}, "", "Are you still there?", ("", "en")),
        ({}, "fr", "Êtes-vous toujours là ?", ("", "fr")),
        ({}, "de-AT", "Sind Sie noch da?", ("", "de-AT")),
        ({"language": "de", "voice": "eva"}, "", "Sind Sie noch da?", ("eva", "de")),
        ({"still_there": "Hello?", "voice": "amy"}, "fr", "Hello?", ("amy", "en")),
        ({"still_there": "Hello?", "lines": {"fr": Lines(still_there="Allô ?")}}, "fr", "Allô ?", ("", "fr")),
        ({"still_there": "Hello?", "lines": {"fr": Lines(goodbye="Salut.")}}, "fr", "Hello?", ("", "en")),
        ({"lines": {"fr": Lines(goodbye="Salut.")}}, "fr", "Êtes-vous toujours là ?", ("", "fr")),
        ({"language": "cy"}, "", "Are you still there?", ("", "en")),
    ],
)
def test_a_line_is_said_in_the_language_of_the_call(
    fields: Mapping[str, Any], language: str, line: str, spoken_as: tuple[str, str]
) -> None:
    """The author's own words come first, in the language of the call if there are any. Default lines are only for
    those that the author has not written."""
    held = language_of(replace(Mind().agent(), **fields), CallOptions(language=language))
    assert held.line("still_there") == line
    assert held.of_line(line) == Pronunciation(*spoken_as)


def test_a_line_that_is_empty_is_not_said() -> None:
    """An author who wants no apology gets none, in any language."""
    agent = replace(Mind().agent(), apology="", lines={"de": Lines(goodbye="")})
    for language, lines in {"en": ("", "Goodbye."), "de": ("", ""), "fr": ("", "Au revoir.")}.items():
        held = language_of(agent, CallOptions(language=language))
        assert (held.line("apology"), held.line("goodbye")) == lines


def test_default_lines_are_complete() -> None:
    """Each language has its own lines, which end as the English ones do."""
    for lines in DEFAULT_LINES.values():
        assert lines.greeting == ""
        assert (lines.goodbye or "").endswith(".")
        assert (lines.still_there or "").endswith("?")
        assert (lines.other_voices or "").endswith("?")
        assert (lines.apology or "").endswith("?")
        assert (lines.cannot_help or "").endswith(".")
    assert len({(lines.still_there, lines.cannot_help) for lines in DEFAULT_LINES.values()}) == len(DEFAULT_LINES) == 7


def test_a_silent_caller_is_asked_in_the_language_of_the_call() -> None:
    """After a switch the agent asks "are you still there?" and says goodbye in the new language."""

    async def scenario() -> None:
        settings = CallSettings(idle_prompt_s=5, idle_prompts=1)
        caller = Caller(Speaker(language="auto"), hearing_two(), settings=settings)
        async with caller:
            await caller.say(GERMAN)
            await caller.until_silent()
            await caller.wait(20_000)
        assert spoken(caller)[-2:] == [("Sind Sie noch da?", "", "de"), ("Auf Wiederhören.", "", "de")]

    run_virtual(scenario())


# Detection


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


# The tool


@dataclass
class Desk:
    call_language: CallLanguage | None = None


class Linguist(Mind):
    """Its model calls the tool `switch_language` for "speak X", and says what the tool says."""

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(FunctionModel(stream_function=self._talk), deps_type=Desk, tools=[switch_language])
        return VoiceAgent(agent=agent, greeting=greeting, make_deps=Desk)

    async def _talk(self, history: list[ModelMessage], info: AgentInfo) -> Any:
        self.told.append(info.instructions or "")
        newest, said = history[-1].parts[-1], last_said(history)
        if isinstance(newest, ToolReturnPart):
            yield str(newest.content)
        elif said.startswith("speak "):
            yield "One moment."
            yield {0: DeltaToolCall("switch_language", f'{{"tag": "{said[6:]}"}}', tool_call_id="call")}
        else:
            yield f"You said {said}."


def test_a_tool_switches_the_language() -> None:
    """What the agent says after the tool has run is in the new language, and so is the rest of the call."""

    async def scenario() -> None:
        caller = Caller(Linguist())
        async with caller:
            await caller.say("speak de")
            await caller.until_silent()
            await caller.say("danke")
            await caller.until_silent()
        assert told(caller) == ["en", "de"]
        before, *after = spoken(caller)
        assert before == ("One moment.", "", "en")
        assert {tuple(how) for _, *how in after} == {("", "de")}
        assert after[0][0].startswith("From now on")
        assert ["tag de:" in text for text in caller.mind.told] == [False, True, True]

    run_virtual(scenario())


def test_a_tool_cannot_switch_to_a_language_that_is_not_spoken_here() -> None:
    """The model is told who does not know the language, and the call stays in its own."""

    async def scenario() -> None:
        caller = Caller(Linguist())
        async with caller:
            await caller.say("speak fr")
            await caller.until_silent()
        (answer,) = caller.answers
        assert "The call cannot be held in fr: speech-to-text does not know it. Go on in en." in answer.text
        assert {tuple(how) for _, *how in spoken(caller)} == {("", "en")}

    run_virtual(scenario())
