"""Writing: what all lexicons do with a text before they look at its words."""

import re

from server.call.turns.lexicon.lexicon import Mark

PLAIN = str.maketrans(dict.fromkeys("’‘ʼ′`´", "'") | dict.fromkeys("‐‑‒–—−", "-"))
"""Makes typographic apostrophes and dashes plain."""
_CLOSERS = " \t\r\n\"')]»”’"
"""What may stand after the last punctuation mark of a sentence."""
_OPEN = ("...", "…", ",", "-", "–", "—", ":", ";", "،", "，", "、")
_QUESTIONS = ("?", "？", "؟")
_EXCLAMATIONS = ("!", "！", "՜")
_STOPS = (".", "。", "।", "۔", "։", "።")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+")


def plain_words(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, without punctuation. Figures are words of their own."""
    return tuple(_WORD.findall(text.lower().translate(PLAIN)))


def mark_of(text: str) -> Mark:
    """The punctuation mark at the end of `text`."""
    marked = text.rstrip(_CLOSERS)
    if marked.endswith(_OPEN):
        return Mark.OPEN
    if marked.endswith(_QUESTIONS):
        return Mark.QUESTION
    if marked.endswith(_EXCLAMATIONS):
        return Mark.EXCLAMATION
    return Mark.STOP if marked.endswith(_STOPS) else Mark.NONE
