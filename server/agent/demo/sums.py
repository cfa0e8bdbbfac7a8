"""Sums as people say them: "what is twelve plus thirty" is 42."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from server.agent.demo import numbers

_OPERATORS = {
    ("plus",): "+",
    ("added", "to"): "+",
    ("minus",): "-",
    ("take", "away"): "-",
    ("times",): "*",
    ("x",): "*",
    ("multiplied", "by"): "*",
    ("divided", "by"): "/",
    ("percent", "of"): "%",
    ("hyphen",): "-",
    ("dash",): "-",
    ("slash",): "/",
}
_SAID = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "percent of"}
_JOINTS = (("hyphen",), ("dash",), ("slash",))
"""They make a sum only where a sum is asked for: "are you open 24/7" has none."""
_LONGEST_NUMBER = 12  # words: "nine hundred ninety nine thousand nine hundred and ninety nine point nine nine"
_ASKS = re.compile(
    r"\b(what (is|are|was|does|would)|much (is|are)|calculate|compute|work out|(can|could) you do|get with)$"
)
_BESIDE = frozenset("and so okay then now please equals is hey hi".split())
"""What callers may say beside a sum that is the whole sentence."""
_MONEY = re.compile(
    r" (?:dollars?|pounds?|euros?)(?: and)? ((?:\w+ ){1,2})(?:cents?|pence)\b"
    r"| (?:dollars?|pounds?|euros?|cents?|pence)\b"
)


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers and an operator, which is one of + - * / %. 10 % 50 is ten percent of fifty."""

    left: Fraction
    operator: str
    right: Fraction

    def __post_init__(self) -> None:
        if self.operator not in _SAID:
            raise ValueError(f"not an operator: {self.operator}")

    def said(self) -> str:
        """The sum in words."""
        return f"{say(self.left)} {_SAID[self.operator]} {say(self.right)}"

    def result(self) -> Fraction | None:
        """The exact result; None for a division by zero."""
        left, right = self.left, self.right
        if self.operator == "/":
            return left / right if right else None
        return {"+": left + right, "-": left - right, "*": left * right, "%": left * right / 100}[self.operator]


def parse(words: Sequence[str]) -> Sum | None:
    """The first sum in what the caller said; None if there is none. Money counts as its number."""
    words = _MONEY.sub(_decimals, " ".join(words)).split()
    for start in range(1, len(words)):
        for spoken, operator in _OPERATORS.items():
            end = start + len(spoken)
            if tuple(words[start:end]) != spoken:
                continue
            left, before = _number_at_end(words[:start])
            right, after = _number_at_start(words[end:])
            if left is None or right is None:
                continue
            if spoken in _JOINTS and (list(after[:1]) == ["of"] or not (_asks(before) or _alone(before, after))):
                continue  # "24/7" and "1/2 of 80" are no sums
            return Sum(left, operator, right)
    return None


def is_asked(words: Sequence[str]) -> bool:
    """Whether the words ask for the result of a sum, as "what is twelve plus thirty" does."""
    return any(numbers.is_number_word(word) and _asks(words[:place]) for place, word in enumerate(words))


def say(value: Fraction) -> str:
    """A result in words, rounded to two decimals."""
    if value.denominator == 1:
        return numbers.say(value.numerator)
    hundredths = round(abs(value) * 100)
    whole, rest = divmod(hundredths, 100)
    decimals = f"{rest:02d}".rstrip("0")
    sign = "minus " if value < 0 and hundredths else ""
    exact = Fraction(hundredths, 100) == abs(value)
    text = sign + numbers.say(whole) + (f" point {numbers.say_digits(decimals)}" if decimals else "")
    return text if exact else f"about {text}"


def _asks(before: Sequence[str]) -> bool:
    """Whether the words before a sum ask for its result: "how much is"."""
    return _ASKS.search(" ".join(word for word in before if word not in ("a", "minus"))) is not None


def _alone(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the sum between these words is the whole sentence."""
    return _BESIDE.issuperset(before) and _BESIDE.issuperset(after)


def _decimals(money: re.Match[str]) -> str:
    """ "12 dollars and 5 cents" as the number 12 point 05."""
    cents = numbers.cardinal((money[1] or "").split())
    return "" if cents is None or cents > 99 else f" point {cents:02d}"


def _number_at_end(words: Sequence[str]) -> tuple[Fraction | None, Sequence[str]]:
    """The number that the words end with, and the words before it. "minus" in front belongs to it."""
    for length in range(min(len(words), _LONGEST_NUMBER), 0, -1):
        if words[-length] != "and" and (value := numbers.decimal(words[-length:])) is not None:
            before = words[:-length]
            return (-value, before[:-1]) if before and before[-1] == "minus" else (value, before)
    return None, words


def _number_at_start(words: Sequence[str]) -> tuple[Fraction | None, Sequence[str]]:
    """The number that the words begin with, and the words after it."""
    for length in range(min(len(words), _LONGEST_NUMBER), 0, -1):
        if words[length - 1] != "and" and (value := numbers.decimal(words[:length])) is not None:
            return value, words[length:]
    return None, words
