"""Neutral: the lexicon of languages that have no file of their own. It knows no words.

Figures and punctuation are understood in every language. All else is left to the sound of the voice and to how long it
lasts: any sentence may be complete, and any words that are said over the agent may ask for something.
"""

import re
from collections.abc import Sequence

from server.call.turns.lexicon.lexicon import Completeness, Ending, Kind, Remark, Wanted
from server.call.turns.lexicon.writing import Mark, mark_of, plain_words

_WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Characters of scripts without blanks between words: Thai, Lao, Khmer, Japanese, Chinese. Each counts as a word."""
_LOOK_BACK = 200
"""How many characters of a long text are looked at."""


class Neutral:
    """A Lexicon that knows no words."""

    def words(self, text: str) -> tuple[str, ...]:
        return plain_words(_WITHOUT_BLANKS.sub(r" \g<0> ", text))

    def ending(self, text: str) -> Ending:
        words = self.words(text[-_LOOK_BACK:])
        if not words:
            return Ending(Completeness.NOTHING)
        digits = _digits_at_end(words)
        kind = Completeness.SINGLE if len(words) == 1 else Completeness.COMPLETE
        if mark_of(text) is Mark.OPEN:
            kind = Completeness.OPEN
        elif digits:
            kind = Completeness.NUMBER
        return Ending(kind, digits=digits)

    def asked_for(self, agent_text: str) -> Wanted:
        return Wanted.NOTHING

    def remark(self, words: Sequence[str]) -> Remark:
        return Remark(Kind.WORDS, len(words)) if words else Remark(Kind.NOTHING)


def _digits_at_end(words: Sequence[str]) -> int:
    count = 0
    for word in reversed(words):
        if not word.isdecimal():
            break
        count += len(word)
    return count


NEUTRAL = Neutral()
