"""Writing: what all lexicons do with a text before they look at its words."""

import re
from enum import Enum
from unicodedata import normalize

PLAIN = str.maketrans(dict.fromkeys("’‘ʼ′`´", "'") | dict.fromkeys("‐‑‒–—−", "-"))
"""Makes typographic apostrophes and dashes plain."""
_CLOSERS = " \t\r\n\"')]»”’"
"""What may stand after the last punctuation mark of a sentence."""
_OPEN = ("...", "…", ",", "-", "–", "—", ":", ";", "،", "，", "、")
_QUESTIONS = ("?", "？", "؟")
_EXCLAMATIONS = ("!", "！", "՜")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+")


class Mark(Enum):
    """The punctuation at the end of a text, if speech-to-text writes any that tells something."""

    NONE = ""  # also a full stop, which speech-to-text writes in pauses, too
    EXCLAMATION = "!"
    QUESTION = "?"
    OPEN = ","  # also a dash, a colon and three dots: more is to come


def composed(text: str) -> str:
    """`text` in lower case, with each accented letter as one character. Some engines write a letter and an accent."""
    return normalize("NFC", text).lower().translate(PLAIN)


Writings = tuple[tuple[re.Pattern[str], str], ...]
"""Patterns, each with what is written in place of it."""


def writings(*table: tuple[str, str]) -> Writings:
    """The table with its patterns compiled."""
    return tuple((re.compile(pattern), written) for pattern, written in table)


def rewritten(text: str, table: Writings) -> str:
    """`text` with everything in the table written in its one way."""
    for pattern, written in table:
        text = pattern.sub(written, text)
    return text


def in_one_writing(text: str, with_figures: Writings, with_letters: Writings) -> tuple[str, ...]:
    """The words of `text` in lower case, with everything in the tables written in its one way. `with_figures` is for
    texts with figures in them."""
    text = composed(text)
    if any(map(str.isdecimal, text)):
        text = rewritten(text, with_figures)
    return plain_words(rewritten(text, with_letters))


def plain_words(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, without punctuation. Figures are words of their own."""
    return tuple(_WORD.findall(composed(text)))


def mark_of(text: str) -> Mark:
    """The punctuation mark at the end of `text`."""
    marked = text.rstrip(_CLOSERS)
    if marked.endswith(_OPEN):
        return Mark.OPEN
    if marked.endswith(_QUESTIONS):
        return Mark.QUESTION
    if marked.endswith(_EXCLAMATIONS):
        return Mark.EXCLAMATION
    return Mark.NONE
