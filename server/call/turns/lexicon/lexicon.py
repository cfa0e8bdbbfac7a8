"""Lexicon: what turn-taking has to know about the words of one language.

Each language has a file of its own beside this one, as `english.py`. So far every call is judged by English:
`completeness.py` and `overlap.py` name that lexicon, and would have to be given the one of the call's language.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The patterns match words as `server.words.spoken` gives them, with one blank between them, unless stated."""

    # Questions

    asks_yes_or_no: re.Pattern[str]
    """A question that is answered by yes or no."""
    asks_for_more: re.Pattern[str]
    """A question word before a verb. It makes another kind of question: the answer to "what time do you close" is not
    yes."""
    asks_what: re.Pattern[str]
    """A question that begins with a question word."""
    asks_for_number: re.Pattern[str]
    """Text of the agent, with its punctuation, that ends by asking for a number."""
    announces: re.Pattern[str]
    """An ending that says that more is to come, such as "can you help me"."""

    # Numbers

    numbers: frozenset[str]
    """Words that end in a number wherever they stand, unless they are among `ambiguous_numbers`."""
    ambiguous_numbers: frozenset[str]
    """Words among `numbers` that need not be a number: "the blue one"."""
    units: frozenset[str]
    """Words that make one number with one of `tens` before them: "forty two"."""
    tens: frozenset[str]
    """Words for 20, 30, …, 90."""
    teens: frozenset[str]
    """Words for 10 to 19."""
    figures: frozenset[str]
    """Words that stand for one more digit inside a number, and are no number by themselves: "oh", "double"."""
    lone_figure: re.Pattern[str]
    """A number at the end that has few digits by its place: "at ten", "seven times eight"."""
    more_figures: re.Pattern[str]
    """An ending that may be a part of a number, although its last word alone does not say so."""

    # Endings

    open_endings: Mapping[str, re.Pattern[str]]
    """By last word: the sentences with that last word that cannot be complete."""

    # Words said over the agent

    backchannels: frozenset[str]
    """Words that encourage the agent to go on and ask for nothing."""
    cheers: re.Pattern[str]
    """Backchannels of several words, such as "got it"."""
    stops: frozenset[str]
    """Commands that are clear enough to end a running tool."""
    commands: frozenset[str]
    """All commands that stop the agent, each of them alone."""
