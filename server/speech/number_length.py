"""Numbers of a known length in what speech-to-text writes, such as an order number of four digits.

Whisper repeats or drops a digit now and then: it writes "77733" for "seven seven three three".
"""

import re
from collections.abc import Sequence

_DIGITS = dict(zip("zero one two three four five six seven eight nine".split(), "0123456789", strict=True)) | {
    "oh": "0"
}
_WORD = re.compile(rf"\b({'|'.join(_DIGITS)})\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s.,-]*\d)*")


def lengths(text: str) -> list[int]:
    """How many digits each number in the text has. Digits that only spaces and marks separate are one number."""
    digits = _WORD.sub(lambda word: _DIGITS[word[0].lower()], text)
    return [sum(map(str.isdigit, number)) for number in _NUMBER.findall(digits)]


def expected_length(phrases: Sequence[str]) -> int:
    """How many digits a number has, when `phrases` are numbers of one length; 0 when they are anything else."""
    found = {tuple(lengths(phrase)) for phrase in phrases}
    (only,) = found if len(found) == 1 else ((),)
    return only[0] if len(only) == 1 else 0


def with_length(texts: Sequence[str], length: int) -> int | None:
    """The place of the first text that has a number of this length; None when no text has."""
    return next((place for place, text in enumerate(texts) if length in lengths(text)), None)
