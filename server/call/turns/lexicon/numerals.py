"""Numerals: numbers that are said in words, in figures, for languages that write each part of a number as a word.

Speech-to-text engines write the same number in words or in figures. In figures its digits can be counted, and numbers
can be compared. People dictate numbers in groups: "cero seis, cuarenta y dos" is 0, 6, 42.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numerals:
    """The number words of one language."""

    values: Mapping[str, int]
    beside: Mapping[str, int]
    """Words that are numbers only beside another number, such as "un", which is also an article."""
    joint: str
    """The word that may stand inside a number: "treinta y dos" is 32."""
    twenties: bool = False
    """The numbers from 70 to 99 are counted on from 60 and from four times twenty, as in French."""

    def in_figures(self, words: Sequence[str]) -> tuple[str, ...]:
        """`words` with each number in figures.

        How a number in figures was said is not known. Up to three figures are read as one number, more of them figure
        by figure, unless they end in two zeros. The figures of longer numbers in words are separated likewise.
        """
        said = [each for word in self._grouped(words) for each in (word if _one_by_one(word) else (word,))]
        self._number_neighbours(said, range(1, len(said)), -1)
        self._number_neighbours(said, range(len(said) - 2, -1, -1), 1)
        return tuple(said)

    def _number_neighbours(self, said: list[str], places: Iterable[int], neighbour: int) -> None:
        for at in places:
            if said[at] in self.beside and said[at + neighbour].isdecimal():
                said[at] = str(self.beside[said[at]])

    def _grouped(self, words: Sequence[str]) -> list[str]:
        """`words` with the words of each number made one number: "cuarenta", "y", "dos" is 42."""
        said: list[str] = []
        number: int | None = None
        for at, word in enumerate(words):
            value = self.values.get(word)
            if number is not None:
                if word == self.joint and at + 1 < len(words) and self._goes_on(number, words[at + 1]):
                    continue
                together = self._together(number, value or self.beside.get(word, 0))
                if together:
                    number = together
                    continue
                said.append(str(number))
            number = value
            if value is None:
                said.append(word)
        return said if number is None else [*said, str(number)]

    def _goes_on(self, number: int, word: str) -> bool:
        return bool(self._together(number, self.values.get(word) or self.beside.get(word, 0)))

    def _together(self, number: int, value: int) -> int:
        """The number that the number so far and the value of the next word make; 0 if they are not one number."""
        thousands, rest = divmod(number, 1000)
        if value == 1000:
            return rest * 1000 if not thousands and rest > 1 else 0
        if value == 100 and 1 < rest < 10:
            return thousands * 1000 + rest * 100
        if self.twenties and value == 20 and rest % 100 == 4:
            return number + 76
        adds = value and (self._adds(rest, value) or (thousands and not rest))
        return number + value if adds else 0

    def _adds(self, rest: int, value: int) -> bool:
        """Whether a word of this value is added to what was said before it, which is below a thousand."""
        tens = rest % 100
        if rest and not tens:
            return value < 100
        if self.twenties and tens in (60, 80):
            return value < 20
        if self.twenties and tens == 10:
            return 6 < value < 10
        return tens >= 20 and tens % 10 == 0 and value < 10


def _one_by_one(word: str) -> bool:
    """Whether a number is rather said figure by figure than as one number."""
    return word.isdecimal() and len(word) > 1 and (word[0] == "0" or (len(word) > 3 and word[-2:] != "00"))
