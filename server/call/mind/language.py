"""The language that a call is held in: chosen, detected, or changed by a tool; and what the agent says in it."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache

from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.mind.fixed_lines import KINDS, FixedLine, fixed_line, greeting, pronunciation, waiting_lines
from server.call.mouth.reply import Pronunciation
from server.call.setup import CallSetup, Engines
from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.lexicon import Lexicon
from server.errors import PeerError
from server.speech.languages import lookup

LONG_ENOUGH = 10
"""How many letters words have whose language counts. Engines that detect a language for every utterance guess badly
from a single word."""

log = logging.getLogger(__name__)

Stages = Mapping[str, Sequence[str]]
"""The names of all that has to know a language, and the languages that each of them knows."""


def stages_of(agent: VoiceAgent, engines: Engines) -> Stages:
    """What has to know the language of a call."""
    stages = {
        "speech-to-text": engines.speech_to_text.languages,
        "text-to-speech": engines.text_to_speech.languages,
    }
    if engines.model is None and agent.languages:
        stages["the agent"] = agent.languages
    return stages


def check_language(language: str, stages: Stages) -> None:
    """Raises PeerError when a stage does not know the language that a call has chosen; "" and "auto" choose none."""
    if language not in ("", AUTO) and (stage := _ignorant(language, stages)):
        raise PeerError(f"The language {language!r} cannot be chosen here: {stage} does not know it.")


def possible_languages(agent: VoiceAgent, stages: Stages) -> tuple[str, ...]:
    """The languages among which the language of a call can be detected, the agent's own one first."""
    known = tuple((stage, tuple(languages)) for stage, languages in stages.items())
    return _possible(agent.own_language, agent.languages, known)


@lru_cache(maxsize=8)
def _possible(own: str, wanted: tuple[str, ...], stages: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[str, ...]:
    """It is cached, because two engines that know a hundred languages each take some ms."""
    known = dict(stages)
    found = [own]
    for language in wanted or known["speech-to-text"]:
        if lookup(language, found) is None and not _ignorant(language, known):
            found.append(language)
    return tuple(found)


def _ignorant(language: str, stages: Stages) -> str:
    """The first stage that does not know the language; "" when all know it."""
    return next((stage for stage, known in stages.items() if lookup(language, known) is None), "")


class LanguageOfCall:
    """The language of one call. It is a `CallLanguage`, for the agent's tools."""

    def __init__(self, setup: CallSetup, recorded: str = "") -> None:
        """`recorded` is the language of a conversation that goes on from its record; "" if the record has none."""
        agent, wish = setup.agent, setup.options.language
        chosen = wish if wish != AUTO else ""
        self._agent, self._deps = agent, setup.deps
        self.voice = setup.options.voice
        """The voice that the client has chosen; "" leaves it to the agent."""
        self._stages = stages_of(agent, setup.engines)
        if recorded and _ignorant(recorded, self._stages):
            recorded = ""  # another server knew it
        self.tag = recorded or chosen or agent.own_language
        detects = not chosen and AUTO in (wish, agent.language)
        self._possible = possible_languages(agent, self._stages) if detects else ()
        """The languages that are told apart. Empty: the language is not detected."""
        self._known = bool(recorded or chosen)
        """The caller was heard to speak the language, or has chosen it."""
        self._other = bool(chosen) or not self._is_own
        """The language is another one than what the agent speaks by itself, or was so before."""

    # What the caller speaks

    @property
    def likely(self) -> str:
        """What speech-to-text is told to expect; "" while nothing is known."""
        return self.tag if self._known or not self.others else ""

    @property
    def others(self) -> list[str]:
        """Which languages the caller may speak, too. While nothing is known, the first is the most likely one."""
        others = [language for language in self._possible if lookup(language, [self.tag]) is None]
        return [self.tag, *others] if others and not self._known else others

    def hear(self, language: str, text: str) -> None:
        """The caller has said `text`. Speech-to-text has found it to be in `language`; "" if it could not tell."""
        found = lookup(language, self._possible) if language else None
        if found is not None and sum(map(str.isalpha, text)) >= LONG_ENOUGH:
            self._hold_in(self.tag if lookup(found, [self.tag]) else found)

    def switch(self, tag: str) -> str:
        if stage := _ignorant(tag, self._stages):
            return f"The call cannot be held in {tag}: {stage} does not know it. Go on in {self.tag}."
        self._hold_in(tag)
        return f"From now on the call is held in the language with the BCP 47 tag {tag}. Say everything in it."

    def choose(self, tag: str) -> None:
        """The client wants another language. Raises PeerError when a stage does not know it."""
        check_language(tag, self._stages)
        self._hold_in(tag)

    def _hold_in(self, tag: str) -> None:
        self._known = True
        if tag != self.tag:
            log.info("- the language of the call is %s", tag)
            self.tag, self._other = tag, True

    @property
    def recorded(self) -> str:
        """The language for the record; "" while the call is just held in the agent's own."""
        return self.tag if self._known or self._other else ""

    @property
    def lexicon(self) -> Lexicon:
        """Knows the words of the language."""
        return lexicon_of(self.tag)

    def expected(self, phrases: Sequence[str]) -> Sequence[str]:
        """The agent's phrases if the call is held in the agent's language, otherwise none."""
        return phrases if self._is_own else ()

    # What the agent says

    @property
    def to_answer_in(self) -> str:
        """The language that the agent's model has to be told; "" when the agent speaks as it does by itself."""
        return self.tag if self._other else ""

    @property
    def of_answers(self) -> Pronunciation:
        """How answers are spoken."""
        own = pronunciation(self._agent, self.tag)
        return Pronunciation(self.voice or own.voice, self.tag)

    @property
    def greeting(self) -> str:
        """What the agent says when the call begins."""
        return greeting(self._agent, self._deps, self.tag)

    def line(self, kind: str) -> str:
        """The agent's fixed line of this kind (one of KINDS), in the language of the call if there is one."""
        return fixed_line(self._agent, kind, self.tag).text

    def waiting(self, running: Sequence[str]) -> Sequence[FixedLine]:
        """What the agent says while the caller waits, `running` being the tools that run."""
        of_tools = (self._agent.while_running.get(name) for name in running)
        if lines := next(filter(None, of_tools), None):
            return [FixedLine(line, self._agent.own_language) for line in lines]
        return waiting_lines(self._agent, self.tag)

    def of_waiting(self, line: FixedLine) -> Pronunciation:
        """How a line of `waiting` is spoken."""
        return self.of_answers if lookup(self.tag, [line.language]) else pronunciation(self._agent, line.language)

    def of_line(self, text: str) -> Pronunciation:
        """How `text`, which nobody asked for, is spoken: a fixed line of the agent, a part of one, or an old answer."""
        language = self._language_of(text)
        return self.of_answers if lookup(self.tag, [language]) else pronunciation(self._agent, language)

    def _language_of(self, text: str) -> str:
        languages = dict.fromkeys((self.tag, self._agent.own_language, *self._agent.lines))
        lines = (fixed_line(self._agent, kind, language) for language in languages for kind in KINDS)
        return next((line.language for line in lines if text in line.text), self.tag)

    @property
    def _is_own(self) -> bool:
        return lookup(self.tag, [self._agent.own_language]) is not None
