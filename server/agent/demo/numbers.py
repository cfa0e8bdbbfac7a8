"""Spoken numbers: "forty two seventy one" is the order 4271, "twelve" is 12, and 4271 is said "four two seven one".

Some speech-to-text engines spell numbers out and others write digits, in groups of any size. They may hear "for"
where "four" was said.
"""

from collections.abc import Sequence
from fractions import Fraction

from server.call.turns.lexicon.english_writing import DIGITS, SCALES, TEENS, TENS
from server.call.turns.lexicon.english_writing import say as say

_UNITS = {word: value for value, word in enumerate(DIGITS + TEENS)} | {"oh": 0, "o": 0, "nought": 0, "nil": 0}
_TENS = {word: 20 + 10 * place for place, word in enumerate(TENS)}
_REPEATS = {"double": 2, "triple": 3}
_HOMOPHONES = {"for": "four", "to": "two", "too": "two", "ate": "eight", "won": "one", "tree": "three", "owe": "oh"}
_HOMOPHONES |= {"free": "three", "fore": "four"}
_LOOSE = frozenset(_HOMOPHONES) | {"oh", "o"}
"""Words that need not be a part of the number that they stand before: "for 4271", "oh 4271"."""
_JOINTS = frozenset("and hyphen dash slash point".split())
"""What may stand inside a number that is read out. Speech-to-text also writes 42-71, 4.271 and "42 - 71"."""

LARGEST = 999_999_999
"""The largest number that is read as one. Sums and order numbers of callers are smaller."""


def is_number_word(word: str) -> bool:
    """Whether `word` can only be a part of a number: "four", "hundred", "42", but not "for"."""
    return word.isdecimal() or word in _UNITS or word in _TENS or word in SCALES


def cardinal(words: Sequence[str]) -> int | None:
    """The value of words that are one number and nothing else; None otherwise.

    "two hundred and five" is 205, "12" is 12, "one two" is None because it is two numbers.
    """
    words = [_HOMOPHONES.get(word, word) for word in words if word not in ("and", "a")]
    if not words:
        return None
    total = group = 0
    room = 1_000  # the next part must be smaller than this: "twenty three" fits, "three twenty" does not
    for word in words:
        if word in SCALES:
            scale = SCALES[word]
            if scale == 100:
                group, room = max(group, 1) * 100, 100
            else:
                total, group, room = total + max(group, 1) * scale, 0, 1_000
            continue
        part = _value(word)
        if part is None or (part >= room and len(words) > 1):
            return None
        group += part
        room = 10 if part >= 20 and part % 10 == 0 else 1
    value = total + group
    return value if value <= LARGEST else None


def decimal(words: Sequence[str]) -> Fraction | None:
    """The value of words that are one number, perhaps with decimals; None otherwise.

    "twelve point five" and "12 point 50" are 12.5.
    """
    if "point" not in words:
        value = cardinal(words)
        return None if value is None else Fraction(value)
    place = list(words).index("point")
    whole, part = cardinal(words[:place]) if place else 0, words[place + 1 :]
    if whole is None or not part or not all(word in _UNITS or word in _TENS or word.isdecimal() for word in part):
        return None
    return Fraction(f"{whole}.{_read(part)}")


def digits(words: Sequence[str], wanted: int) -> str:
    """The digits of a number read out somewhere in `words`; "" if there are none.

    Reads "four two seven one", "forty two seventy one", "double seven", "4271" and "four thousand two hundred".
    A word that only sounds like a digit counts when real digits are beside it, and only while the number has no more
    than `wanted` digits: "to four two seven one" is 4271.
    """
    best = ""
    for run in _runs(words):
        text = _read(run)
        while len(text) > wanted and run[0] in _LOOSE:
            run = run[1:]
            text = _read(run)
        while len(text) > wanted and run[-1] in _HOMOPHONES:
            run = run[:-1]
            text = _read(run)
        if text == text[:wanted] * (len(text) // wanted):
            text = text[:wanted]  # said twice
        if _closer(text, best, wanted):
            best = text
    return best


def say_digits(text: str) -> str:
    """The digits one by one, as a caller hears them: 4271 is "four two seven one"."""
    return " ".join(DIGITS[int(digit)] for digit in text)


def _value(word: str) -> int | None:
    if word.isdecimal():
        return int(word) if len(word) <= 9 else None
    return _UNITS.get(word, _TENS.get(word))


def _runs(words: Sequence[str]) -> list[list[str]]:
    """Stretches of number words; each holds at least one word that can only be a number."""
    runs: list[list[str]] = [[]]
    for word in words:
        if is_number_word(word) or word in _HOMOPHONES or word in _REPEATS:
            runs[-1].append(word)
        elif word not in _JOINTS and runs[-1]:
            runs.append([])
    return [run for run in runs if any(is_number_word(word) and word not in _LOOSE for word in run)]


def _read(run: Sequence[str]) -> str:
    """The digits of one stretch of number words."""
    if any(word in SCALES for word in run):
        value = cardinal(run)
        return "" if value is None else str(value)
    text = ""
    repeat, place = 1, 0  # place: the value of a "forty" that a "two" may follow
    for word in run:
        if word in _REPEATS:
            repeat, place = _REPEATS[word], 0
            continue
        word = _HOMOPHONES.get(word, word)
        value = _value(word)
        if word.isdecimal():
            text, place = text + word * repeat, 0
        elif value is None:
            continue
        elif place and 0 < value < 10:
            text, place = text[:-2] + str(place + value), 0
        else:
            text += str(value) * repeat
            place = value if word in _TENS else 0
        repeat = 1
    return text


def _closer(text: str, than: str, wanted: int) -> bool:
    """Whether the number of digits of `text` is closer to `wanted` than that of `than`."""
    return bool(text) and (not than or abs(len(text) - wanted) < abs(len(than) - wanted))
