"""Grammar: the words of one language in tables, and the lexicon that is made of them.

A table is data. A language fills the tables in files of its own; what is done with them is the same for all.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from server.call.turns.lexicon.lexicon import Completeness, Ending, Kind, Remark, Wanted
from server.call.turns.lexicon.writing import Mark, composed, mark_of, plain_words

NOTHING = re.compile(r"(?!)")
"""A pattern that matches nothing."""
Phrases = frozenset[tuple[str, ...]]
"""Phrases of one or more words."""
_LOOK_BACK = 16
"""How many words from the end are examined. So a story takes no longer to judge than a sentence."""
_LOOK_BACK_CHARACTERS = 400
"""How many characters these words have, at most."""


def phrases(*texts: str) -> Phrases:
    """The phrases in `texts`, in which they are separated by "|"."""
    return frozenset(tuple(each.split()) for text in texts for each in text.split("|") if each.strip())


def last_words(open_: Mapping[str, str], closing: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """The table `open_endings` of a Grammar, from groups of last words, each with a pattern of endings.

    A sentence with one of the words in `open_` cannot be complete, unless it ends with the pattern of the word. One
    with a word in `closing` may be complete, unless it ends with the pattern. In both the pattern has the last word in
    it, and a word in both takes its pattern in `closing`.
    """
    return {
        word: re.compile(rf"(?!.*\b(?:{complete})$)") for words, complete in open_.items() for word in words.split()
    } | {word: re.compile(rf".*?\b(?:{opens})$") for words, opens in closing.items() for word in words.split()}


def asked(what: str, verbs: str, about_it: str = NOTHING.pattern) -> re.Pattern[str]:
    """Matches a question for `what` at the end of the agent's text, or a request with one of the `verbs` to say it.

    `about_it` is found in a question that may follow a sentence with `what` in it, such as "what is yours".
    """
    question = rf"\b(?:{what})\b(?:[^.!?¿]{{0,60}}|[^?]{{0,60}}(?:{about_it})[^.!?]{{0,30}})\?\s*$"
    return re.compile(rf"{question}|\b(?:{verbs})\b[^.!?]*\b(?:{what})\b[^.!?]*[.!?]?\s*$")


def last_question(openings: str, begins: str, tags: str) -> re.Pattern[str]:
    """Finds a question at the end of a text of the agent that begins with the pattern `begins`, perhaps after
    `openings`, or that ends with one of the `tags`, such as "right?".
    """
    return re.compile(
        rf"(?:^|[.!?:;,¿]\s*)(?:(?:{openings}),?\s+)*¿?(?:{begins})\b[^.!?]*\?\s*$|,\s*¿?(?:{tags})\s*\?\s*$"
    )


@dataclass(frozen=True, slots=True)
class Grammar:
    """The tables of one language. All words are as `words` gives them, and patterns match them with one blank between.

    An ending is examined by its last words. In a longer text "…" stands in front of them, so that "^" matches only
    where the text begins.
    """

    words: Callable[[str], tuple[str, ...]] = plain_words
    """The words of a text in one way of writing, in lower case."""
    written: Callable[[str], tuple[str, ...]] = plain_words
    """The same words with figures as they were written, by which digits are counted."""

    # How a caller's text ends

    announcements: re.Pattern[str] = NOTHING
    """Found at an ending that says that more is to come, such as "can you help me"."""
    open_endings: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """By last word: matches the sentences with that last word that cannot be complete."""
    short_questions: re.Pattern[str] = NOTHING
    """Matches whole texts that are a question as often as the beginning of one, such as "where is it" in languages that
    leave out the "it". With a question mark they may be complete."""
    unfinished: re.Pattern[str] = NOTHING
    """Found in a sentence whose end lacks a word, whatever its last word is. In German the verb may be the last word:
    "können Sie mir die Nummer" lacks it."""
    digits: Mapping[str, int] = field(default_factory=dict)
    """Words that end in a number wherever they stand, and how many digits each of them is when a number is dictated.
    Figures need not be among them."""
    tens: frozenset[str] = frozenset()
    """Words among `digits` that make one number with a single digit after them: "forty two" has two digits."""
    inside_numbers: Mapping[str, int] = field(default_factory=dict)
    """Words that are no number by themselves, but belong to one between others, such as "oh" and "point"; with how
    many digits each of them is."""
    more_figures: re.Pattern[str] = NOTHING
    """Matches an ending that may be a part of a number, although its last word alone does not say so."""
    lone_figure: re.Pattern[str] = NOTHING
    """Found at a number at the end that has few digits by its place: "at ten", "seven times eight"."""

    # What the agent asks for

    yes_or_no: re.Pattern[str] = NOTHING
    """Found in text of the agent, written as for `requests`, that asks for a yes or a no at its end, and so for nothing
    that is dictated: "is this your number?"."""
    requests: Mapping[Wanted, re.Pattern[str]] = field(default_factory=dict)
    """Found in text of the agent, in lower case and with its punctuation, that asks for this at its end. The first one
    that is found counts."""

    # Words that are said over the agent

    fillers: frozenset[str] = frozenset()
    """Words that mean nothing by themselves, such as "um" and "the"."""
    lead_ins: frozenset[str] = frozenset()
    """Words that may stand before a command, such as "but"."""
    backchannels: Phrases = frozenset()
    """Words and phrases that encourage or reassure the agent and ask for nothing, such as "no rush"."""
    commands: Phrases = frozenset()
    """Whole phrases that ask the agent to be silent or to listen, such as "excuse me"."""
    stops: Phrases = frozenset()
    """Whole phrases that ask the agent to stop also what it is doing, such as "cancel"."""
    last_stops: Phrases = frozenset()
    """Those of the `stops` that also begin sentences, such as "para" in Spanish, which means "stop" and "for". They
    count only where no other words follow."""
    refusals: Phrases = frozenset()
    """Those of the `stops` that mean nothing before a backchannel, such as "no" in "no, that's fine"."""
    statements: Phrases = frozenset()
    """Phrases that only say something, although a stop or a backchannel is in them, such as "don't know"."""


class GrammarLexicon:
    """A Lexicon by a grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        known = (*grammar.backchannels, *grammar.commands, *grammar.stops, *grammar.statements)
        self._longest = max(map(len, known), default=1)
        self._beginnings = {phrase[:n] for phrase in grammar.backchannels for n in range(1, len(phrase))}
        self._beginnings |= grammar.last_stops | grammar.refusals
        self._beginnings -= grammar.commands
        self.words = lru_cache(maxsize=128)(grammar.words)
        self.ending = lru_cache(maxsize=128)(self._ending)
        self.asked_for = lru_cache(maxsize=128)(self._asked_for)
        self._remark_of = lru_cache(maxsize=512)(self._remark)
        """All are kept for the newest texts, because turn-taking asks for the same ones at every frame."""

    def remark(self, words: Sequence[str]) -> Remark:
        return self._remark_of(tuple(words))

    def _remark(self, words: tuple[str, ...]) -> Remark:
        if not words:
            return Remark(Kind.NOTHING)
        parts = self._parts(words)
        found = {kind for kind, _ in parts}
        asking = sum(size for kind, size in parts if kind is not Kind.BACKCHANNEL)
        kind = next((kind for kind in (Kind.STOP, Kind.COMMAND, Kind.WORDS) if kind in found), Kind.BACKCHANNEL)
        return Remark(kind, asking, self._may_go_on(words))

    def _asked_for(self, agent_text: str) -> Wanted:
        text = composed(agent_text[-_LOOK_BACK_CHARACTERS:])
        if self._grammar.yes_or_no.search(text):
            return Wanted.NOTHING
        return next((each for each, asks in self._grammar.requests.items() if asks.search(text)), Wanted.NOTHING)

    # How a text ends

    def _ending(self, text: str) -> Ending:
        grammar, mark = self._grammar, mark_of(text)
        words = grammar.words(text[-_LOOK_BACK_CHARACTERS:])
        if not words:
            return Ending(Completeness.NOTHING)
        whole = len(words) <= _LOOK_BACK and len(text) <= _LOOK_BACK_CHARACTERS
        said = ("" if whole else "… ") + " ".join(words[-_LOOK_BACK:])
        return Ending(
            self._completeness(words, said, mark),
            announces=grammar.announcements.search(said) is not None,
            digits=self._digits_at_end(grammar.written(text[-_LOOK_BACK_CHARACTERS:])),
            lone_figure=grammar.lone_figure.search(said) is not None,
        )

    def _completeness(self, words: Sequence[str], said: str, mark: Mark) -> Completeness:
        grammar, last = self._grammar, words[-1]
        opens = grammar.open_endings.get(last)
        open_ = mark is Mark.OPEN or grammar.unfinished.search(said) is not None
        asked = mark is Mark.QUESTION and grammar.short_questions.fullmatch(said) is not None
        if open_ or (opens is not None and not asked and opens.match(said)):
            return Completeness.OPEN
        more = grammar.more_figures.match(said) is not None
        if mark in (Mark.QUESTION, Mark.EXCLAMATION):
            return Completeness.COMPLETE
        if last.isdecimal() or last in grammar.digits or more:
            return Completeness.NUMBER
        return Completeness.SINGLE if len(words) == 1 else Completeness.COMPLETE

    def _digits_at_end(self, words: Sequence[str]) -> int:
        """How many digits the number at the end has. "four two seven one" and "forty two seventy one" have four."""
        grammar, count, after = self._grammar, 0, 0
        for word in reversed(words):
            if word.isdecimal():
                digits = len(word)
            elif word in grammar.tens:
                digits = 1 if after == 1 else 2
            else:
                digits = grammar.digits.get(word, grammar.inside_numbers.get(word, -1))
            if digits < 0:
                break
            count, after = count + digits, digits
        return count

    # What words mean over the agent

    def _parts(self, words: Sequence[str]) -> list[tuple[Kind, int]]:
        """The phrases in `words`, the longest first, each with its kind and its number of words. Fillers are left out.

        A command counts only where the words begin with it, perhaps after a lead-in: in "I can't wait" it is none.
        """
        grammar, at, begun = self._grammar, 0, False
        parts: list[tuple[Kind, int]] = []
        while at < len(words):
            kind, size = self._phrase_at(words, at)
            phrase, rest = tuple(words[at : at + size]), words[at + size :]
            begins_more = phrase in grammar.last_stops and any((word,) not in grammar.last_stops for word in rest)
            if phrase in grammar.refusals and self._reassures(rest):
                kind = Kind.BACKCHANNEL
            elif kind in (Kind.COMMAND, Kind.STOP) and (begun or begins_more):
                kind = Kind.WORDS
            if kind is not Kind.WORDS or words[at] not in grammar.fillers:
                parts.append((kind, size))
                begun = begun or (kind is not Kind.BACKCHANNEL and words[at] not in grammar.lead_ins)
            at += size
        return parts

    def _reassures(self, words: Sequence[str]) -> bool:
        """Whether `words`, which follow a refusal, begin with a backchannel, perhaps after fillers and refusals."""
        at = 0
        while at < len(words):
            kind, size = self._phrase_at(words, at)
            phrase = tuple(words[at : at + size])
            if phrase not in self._grammar.refusals and not self._grammar.fillers.issuperset(phrase):
                return kind is Kind.BACKCHANNEL
            at += size
        return False

    def _phrase_at(self, words: Sequence[str], at: int) -> tuple[Kind, int]:
        """The kind and the length of the longest known phrase at this place; one word if none is known."""
        for size in range(min(self._longest, len(words) - at), 0, -1):
            if kind := self._kind(tuple(words[at : at + size])):
                return kind, size
        return Kind.WORDS, 1

    def _kind(self, phrase: tuple[str, ...]) -> Kind | None:
        grammar = self._grammar
        if phrase in grammar.statements:
            return Kind.WORDS
        if phrase in grammar.backchannels:
            return Kind.BACKCHANNEL
        if phrase in grammar.stops:
            return Kind.STOP
        return Kind.COMMAND if phrase in grammar.commands else None

    def _may_go_on(self, words: Sequence[str]) -> bool:
        end = len(words)
        while end > 1 and words[end - 1] in self._grammar.fillers:
            end -= 1  # "no, please" may become "no, please go ahead"
        return self._begins_backchannel(words) or self._begins_backchannel(words[:end])

    def _begins_backchannel(self, words: Sequence[str]) -> bool:
        last = range(max(0, len(words) - self._longest), len(words))
        return any(tuple(words[at:]) in self._beginnings for at in last)
