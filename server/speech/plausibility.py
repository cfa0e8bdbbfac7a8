"""Whether people can have said a text in the time that its sound took.

Whisper repeats itself when it has heard too little: "Where is my order? Where is my order?", "3, 3, 3, 3" and
"1.0.0.0.0" are loops. It may also leave out the beginning or the end. People repeat themselves and speak slowly, too;
so a text that is not plausible is only a reason to listen again.
"""

import re

_REPEATS = {1: 4, 2: 3}
"""How often a group of so many words may not follow itself. Longer groups may not even do so twice."""
_LONGEST = 60
"""The longest group of words that is looked for."""
_SAME_CHARACTER = re.compile(r"(\w)\1{4,}")
"""A word like "77777" or "aaaaah"."""
_WORD = re.compile(r"(?:\A\W*)?\w[\w']*\W*")
"""A word with the marks after it. "1.0" is two words."""


_SLOWEST, _FASTEST = 9.0, 28.0
"""How many letters people say in a second. Nine of ten recordings of people lie between 9 and 17."""
_LETTERS_OF_A_DIGIT = 4


def too_few_words(text: str, seconds: float) -> bool:
    """Whether there is more sound than the words take."""
    return _letters(text) < _SLOWEST * seconds


def too_many_words(text: str, seconds: float) -> bool:
    """Whether nobody can have said the words so fast."""
    return _letters(text) > _FASTEST * seconds


def _letters(text: str) -> int:
    digits = sum(map(str.isdecimal, text))
    return sum(map(str.isalpha, text)) + _LETTERS_OF_A_DIGIT * digits


def has_loop(text: str) -> bool:
    """Whether a part of the text is repeated at once, more often than people do."""
    return bool(_SAME_CHARACTER.search(text)) or without_loops(text) != text


def without_loops(text: str) -> str:
    """The text with each repeated group of words only once."""
    words = _WORD.findall(text)
    plain = [re.sub(r"\W", "", word).lower() for word in words]
    kept: list[str] = []
    at = 0
    while at < len(words):
        size, times = _loop_at(plain, at)
        kept += words[at : at + size]
        at += size * times
    return "".join(kept).strip() or text


def _loop_at(words: list[str], at: int) -> tuple[int, int]:
    """The length of the group that is repeated from `at` on, and how often it is there; (1, 1) if there is none."""
    for size in range(1, min(_LONGEST, (len(words) - at) // 2) + 1):
        times = 1
        while words[at + times * size : at + (times + 1) * size] == words[at : at + size]:
            times += 1
        if times >= _REPEATS.get(size, 2):
            return size, times
    return 1, 1
