"""Compound numbers: numbers in words, for languages that write a number as one word, with the ones before the tens.

German writes 21 as "einundzwanzig", Dutch as "eenentwintig".
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberWords:
    """The names of the numbers in one language."""

    small: tuple[str, ...]
    """From 0 to 19."""
    tens: tuple[str, ...]
    """20, 30 and so on, to 90."""
    before_tens: tuple[str, ...]
    """From 1 to 9, as they stand before the tens: "einund", "zweiund"."""
    hundred: str
    thousand: str
    after_thousand: str
    """What stands between the thousands and the rest: nothing, or a blank."""
    point: str
    """The word for the decimal point, after which figures are said one by one."""

    def say(self, value: int) -> str:
        """A whole number below a million in words."""
        if value < 20:
            return self.small[value]
        if value < 100:
            tens, ones = divmod(value, 10)
            return (self.before_tens[ones - 1] if ones else "") + self.tens[tens - 2]
        scale, name, gap = (100, self.hundred, "") if value < 1000 else (1000, self.thousand, self.after_thousand)
        head, rest = divmod(value, scale)
        return (self.say(head) if head > 1 else "") + name + (gap + self.say(rest) if rest else "")

    def spoken(self, words: Sequence[str]) -> tuple[str, ...]:
        """The same words with numbers in words.

        How a number was said is not known. Up to three figures are read as one number, more of them figure by figure,
        unless they end in two zeros.
        """
        said: list[str] = []
        for before, word in zip(("", *words), words, strict=False):
            if not (word.isascii() and word.isdecimal()):
                said.append(word)
            elif before == self.point or _one_by_one(word):
                said += [self.small[int(figure)] for figure in word]
            else:
                said += self.say(int(word)).split()
        return tuple(said)

    def digits(self) -> dict[str, int]:
        """How many digits each number has that is one word, years such as "neunzehnhundert" among them."""
        years = {
            self.say(head) + self.hundred + (self.say(rest) if rest else ""): 4
            for head in range(11, 20)
            for rest in range(100)
        }
        numbers = (*range(1_000), *range(1_000, 10_000, 1_000), *range(2_001, 2_100))
        return years | {said: len(str(n)) for n in numbers if " " not in (said := self.say(n))}


def _one_by_one(figures: str) -> bool:
    """Whether a number is rather said figure by figure than as one number."""
    return len(figures) > 1 and (figures[0] == "0" or len(figures) > 6 or (len(figures) > 3 and figures[-2:] != "00"))
