"""Word errors: how many words must change to get from what was said to what was written. Numbers may be digits."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


@dataclass(frozen=True, slots=True)
class Errors:
    """How many of `words` are wrong."""

    wrong: int
    words: int


def word_errors(said: str, written: str) -> Errors:
    """Compare two texts without capitals and marks. "42" may be "forty two" or "four two", whichever fits best."""
    pairs = ((one.split(), other.split()) for one in _readings(said) for other in _readings(written))
    return min((Errors(edits(one, other), len(one)) for one, other in pairs), key=lambda errors: errors.wrong)


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """How many words must be inserted, deleted or replaced to get from one to the other."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, 1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, 1):
            least = min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
            diagonal, row[column] = row[column], least
    return row[-1]


def _readings(text: str) -> Iterator[str]:
    plain = text.lower().replace("’", "'").replace("%", " percent ")
    plain = re.sub(r"(?<=\d)[,.](?=\d)", " ", plain)
    plain = re.sub(r"\boh\b", "zero", re.sub(r"[^\w' ]", " ", plain))
    for read in (_digit_by_digit, _in_pairs, lambda digits: _number(int(digits))):
        yield " ".join(re.sub(r"\d+", lambda found, read=read: f" {read(found[0])} ", plain).split())  # type: ignore[misc]


def _digit_by_digit(digits: str) -> str:
    return " ".join(_ONES[int(digit)] for digit in digits)


def _in_pairs(digits: str) -> str:
    if len(digits) % 2:
        return _digit_by_digit(digits)
    pairs = (digits[at : at + 2] for at in range(0, len(digits), 2))
    return " ".join(_digit_by_digit(pair) if pair[0] == "0" else _number(int(pair)) for pair in pairs)


def _number(value: int) -> str:
    if value < 20:
        return _ONES[value]
    if value < 100:
        return f"{_TENS[value // 10]} {_ONES[value % 10]}".removesuffix(" zero")
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if value >= size:
            rest = f" {_number(value % size)}" if value % size else ""
            return f"{_number(value // size)} {name}{rest}"
    raise AssertionError("because every value above 99 has one of these sizes")
