"""Which fixed line of an agent is said in a call, by the language of the call, and how it is spoken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from server.agent.lines import DEFAULT_LINES, Lines
from server.agent.voice_agent import VoiceAgent
from server.call.mouth.reply import Pronunciation
from server.speech.languages import lookup

WAITING, INTRODUCTION = "waiting", "introduction"
KINDS = tuple(field.name for field in fields(Lines) if field.name != WAITING)


@dataclass(frozen=True, slots=True)
class FixedLine:
    """A line that an agent says in fixed words, and its language (BCP 47)."""

    text: str
    language: str


def fixed_line(agent: VoiceAgent, kind: str, language: str) -> FixedLine:
    """The line of this kind (one of KINDS) in a call that is held in `language`.

    What the author has written comes first: in that language, else in the agent's own. Where the author has written
    nothing, it is the line of DEFAULT_LINES in that language, else in the agent's own, else in English.
    """
    text, of = _written(agent, kind, language)
    return FixedLine(text.replace("{name}", agent.name) if kind == INTRODUCTION else text, of)


def greeting(agent: VoiceAgent, deps: Any, language: str) -> str:
    """What the agent says when a call begins that is held in `language`.

    A function greets in every language in which the author has written no greeting.
    """
    if callable(agent.greeting):
        its = None if lookup(language, [agent.own_language]) else lookup(language, agent.lines)
        if _found(agent.lines, "greeting", its) is None:
            return agent.greet(deps)
    return fixed_line(agent, "greeting", language).text


def waiting_lines(agent: VoiceAgent, language: str) -> tuple[FixedLine, ...]:
    """What the agent says while the caller waits, in a call that is held in `language`; chosen as `fixed_line` is."""
    lines, of = _written(agent, WAITING, language)
    return tuple(FixedLine(line, of) for line in lines)


def _written(agent: VoiceAgent, kind: str, language: str) -> tuple[Any, str]:
    """What is written of this kind, and in which language."""
    own = agent.own_language
    written = {**agent.lines, own: agent.own_lines}
    its = own if lookup(language, [own]) else lookup(language, agent.lines)
    found = (
        _found(written, kind, its)
        or _found(written, kind, own)
        or _found(DEFAULT_LINES, kind, lookup(language, DEFAULT_LINES))
        or _found(DEFAULT_LINES, kind, lookup(own, DEFAULT_LINES))
        or _found(DEFAULT_LINES, kind, "en")
    )
    assert found is not None, "because the default lines in English are complete"
    return found


def _found(lines: Mapping[str, Lines], kind: str, language: str | None) -> tuple[Any, str] | None:
    """What is written in that language; None where nothing is."""
    written = None if language is None else getattr(lines[language], kind)
    return None if language is None or written is None else (written, language)


def fixed_lines(agent: VoiceAgent) -> Iterator[tuple[str, Pronunciation]]:
    """All lines that calls may hear in fixed words, each with how it is spoken, unless a call chooses a voice."""
    own = agent.own_language
    for language in dict.fromkeys((own, *agent.lines, *agent.languages)):
        for line in (*(fixed_line(agent, kind, language) for kind in KINDS), *waiting_lines(agent, language)):
            yield line.text, pronunciation(agent, line.language)


def pronunciation(agent: VoiceAgent, language: str) -> Pronunciation:
    """How a text in `language` is spoken. The agent's voice is for its own language."""
    return Pronunciation(agent.voice if lookup(language, [agent.own_language]) else "", language)
