"""Clause: how much of what a stretch of sound says the caller has heard."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from server.media.frame import FRAME_MS

CHARS_PER_FRAME = 15 * FRAME_MS / 1000
"""Assumed pace of a clause whose sound is not complete yet. English has about 15 characters a second."""
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
"""A character of a script that has no spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese."""
_SENTENCE_END = re.compile(r"[.!?؟।۔]+\s+|[。！？]+\s*")


@dataclass(slots=True)
class Clause:
    """What one stretch of sound says: a clause, or the whole answer of a speech-to-speech model."""

    text: str
    aside: bool = False
    frames: int = 0
    played: int = 0
    complete: bool = False
    sentences: bool = False
    """It is a whole answer, and not one sentence."""
    _announced: int = 0
    """How much of its text was announced."""
    _least_chars: int = 0

    def play(self) -> None:
        """One more frame has left. Text that counted as heard stays heard, however long the clause turns out to be."""
        self.played += 1
        self._least_chars = self._chars()

    def take_back(self, frames: int) -> None:
        """The caller did not hear the newest `frames` that have left."""
        self.played -= frames
        self._least_chars = 0

    @property
    def heard(self) -> str:
        """The words that have left. A word counts when it is over."""
        if self.complete and self.played == self.frames:
            return self.text
        return self.text[: _whole_words(self.text, self._chars())]

    def announce(self) -> list[str]:
        """What it says and was not announced before, as far as it is known."""
        begin, end = self._announced, max(self._announced, self._known())
        self._announced = end
        ends = [each.end() for each in _SENTENCE_END.finditer(self.text, begin, end)] if self.sentences else []
        return [text for start, stop in pairwise([begin, *ends, end]) if (text := self.text[start:stop].strip())]

    def _known(self) -> int:
        """How much of its text can be announced. While more words come: whole sentences, and what was heard."""
        if self.complete or not self.sentences:
            return len(self.text)
        ended = max((each.end() for each in _SENTENCE_END.finditer(self.text)), default=0)
        heard = len(self.heard)
        return ended if ended >= heard else max(heard, _whole_words(self.text, len(self.text)))

    def shorten(self, lost: bool) -> str:
        """Take away the words that have no sound, and return them. `lost`: the end of the sound has not come."""
        chars = int(self.frames * CHARS_PER_FRAME) if lost or not self.frames else len(self.text)
        if chars >= len(self.text):
            return ""
        kept = max(len(self.heard), _whole_words(self.text, chars))
        rest, self.text = self.text[kept:].strip(), self.text[:kept]
        return rest

    @property
    def unheard(self) -> str:
        """What is left to be said, from the sentence on that was not heard to its end."""
        if not self.sentences:
            return "" if self.heard == self.text else self.text
        heard = len(self.heard)
        ends = [end.end() for end in _SENTENCE_END.finditer(self.text) if end.end() <= heard + 1]
        return "" if heard == len(self.text) else self.text[max(ends, default=0) :].strip()

    def _chars(self) -> int:
        total = self.frames if self.complete else max(self.frames, len(self.text) / CHARS_PER_FRAME)
        return max(self._least_chars, int(len(self.text) * self.played / total) if total else 0)


def _whole_words(text: str, chars: int) -> int:
    """Where the last word ends that is over after so many characters. Without spaces each character is a word."""
    spaced = max(0, text.rfind(" ", 0, chars + 1))
    for end in range(min(chars, len(text) - 1), spaced, -1):
        if _UNSPACED.match(text[end - 1]) and not unicodedata.category(text[end]).startswith("M"):
            return end
    return spaced
