"""Sums as people say them: "what is twelve plus thirty" is 42."""

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
    ("multiplied", "by"): "*",
    ("divided", "by"): "/",
    ("percent", "of"): "%",
    ("per", "cent", "of"): "%",
}
_SAID = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "percent of"}
_LONGEST_NUMBER = 9  # words: "nine hundred ninety nine thousand nine hundred and ninety nine"


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers and an operator, which is one of + - * / %. 10 % 50 is ten percent of fifty."""

    left: int
    operator: str
    right: int

    def __post_init__(self) -> None:
        if self.operator not in _SAID:
            raise ValueError(f"not an operator: {self.operator}")

    def said(self) -> str:
        """The sum in words."""
        return f"{numbers.say(self.left)} {_SAID[self.operator]} {numbers.say(self.right)}"

    def result(self) -> Fraction | None:
        """The exact result; None for a division by zero."""
        left, right = Fraction(self.left), Fraction(self.right)
        if self.operator == "/":
            return left / right if right else None
        return {"+": left + right, "-": left - right, "*": left * right, "%": left * right / 100}[self.operator]


def parse(words: Sequence[str]) -> Sum | None:
    """The first sum in what the caller said; None if there is none."""
    for start in range(1, len(words)):
        for spoken, operator in _OPERATORS.items():
            end = start + len(spoken)
            if tuple(words[start:end]) != spoken:
                continue
            left = _number_at_end(words[:start])
            right = _number_at_start(words[end:])
            if left is not None and right is not None:
                return Sum(left, operator, right)
    return None


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


def _number_at_end(words: Sequence[str]) -> int | None:
    for length in range(min(len(words), _LONGEST_NUMBER), 0, -1):
        if words[-length] != "and" and (value := numbers.cardinal(words[-length:])) is not None:
            return value
    return None


def _number_at_start(words: Sequence[str]) -> int | None:
    for length in range(min(len(words), _LONGEST_NUMBER), 0, -1):
        if words[length - 1] != "and" and (value := numbers.cardinal(words[:length])) is not None:
            return value
    return None
