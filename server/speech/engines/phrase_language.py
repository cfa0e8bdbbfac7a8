"""Makes from an agent's phrases what PocketSphinx needs to expect them: a language model and a dictionary.

It also tells how well recognised words fit the phrases.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from itertools import pairwise

from pocketsphinx.lm import ArpaBoLM

_UNSEEN = 0.1
"""How much of the language model's probability goes to words in an order that no phrase has."""

_CLASSES = (
    "oh zero one two three four five six seven eight nine".split(),
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
    "twenty thirty forty fifty sixty seventy eighty ninety".split(),
    "monday tuesday wednesday thursday friday saturday sunday".split(),
)
_PLACE = {word: (words, place) for words in _CLASSES for place, word in enumerate(words)}
_VARIANTS = 30
"""How many variants a phrase gets: enough that each place has every word of its class, in three combinations with the
other places."""

_OPEN_A = re.compile(r"\bAE\b")
"""Outside America the vowel in "thank", "can" and "that" is nearly the vowel in "father"."""
_VOWELS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}


class PhraseLanguage:
    """The language of one agent's phrases."""

    def __init__(self, phrases: Sequence[str], pronounce: Callable[[str], list[str]]) -> None:
        """`pronounce` gives the pronunciations of a word in ARPAbet; an empty list for an unknown word."""
        pronunciations: dict[str, list[str]] = {}
        plain = [" ".join(phrase.lower().split()) for phrase in phrases]
        for word in dict.fromkeys(word for phrase in plain for word in phrase.split()):
            if found := _pronunciations(word, pronounce):
                pronunciations[word] = found
        known = (phrase for phrase in plain if phrase and all(word in pronunciations for word in phrase.split()))
        self.sentences = list(dict.fromkeys(variant for phrase in known for variant in _variants(phrase)))
        """The phrases that can be pronounced, with their variants."""
        self.arpa = _trigrams(self.sentences)
        """The language model, in ARPA format."""
        self.dictionary = "".join(_entries(pronunciations))
        """The dictionary in CMU's format: one pronunciation a line."""
        self._pairs: set[tuple[str, ...]] = set()
        self._triples: set[tuple[str, ...]] = set()
        for sentence in self.sentences:
            words = _framed(sentence)
            self._pairs.update(pairwise(words))
            self._triples.update(zip(words, words[1:], words[2:], strict=False))

    def familiarity(self, expected: str, general: str) -> float:
        """How well the words fit the phrases: 0..3.

        The sum of three parts of 0..1: the share of word pairs that are in the phrases, the share of word triples, and
        how far the words of both decoders agree. The phrase decoder forces other speech into the words of the phrases,
        but not into their order: "call forty three ninety".
        """
        if not expected:
            return 0.0
        words = _framed(expected)
        return (
            _share(list(pairwise(words)), self._pairs)
            + _share(list(zip(words, words[1:], words[2:], strict=False)), self._triples)
            + _agreement(expected.split(), general.split())
        )


def _entries(dictionary: dict[str, list[str]]) -> Iterator[str]:
    for word, pronunciations in dictionary.items():
        for number, phones in enumerate(pronunciations, 1):
            yield f"{word}{f'({number})' if number > 1 else ''} {phones}\n"


def _trigrams(sentences: Sequence[str]) -> str:
    """A language model in ARPA format; "" when there are no sentences."""
    if not sentences:
        return ""
    model = ArpaBoLM(text="\n".join(sentences), add_start=True, discount_mass=_UNSEEN)
    model.compute()
    text = StringIO()
    model.write(text)
    return text.getvalue()


def _pronunciations(word: str, pronounce: Callable[[str], list[str]]) -> list[str]:
    """The word's own pronunciations, else those of two words that it is made of.

    British variants are added: without r, and with an open a.
    """
    found = pronounce(word)
    for cut in range(2, len(word) - 1) if not found else ():
        first, second = pronounce(word[:cut]), pronounce(word[cut:])
        if first and second:
            found = [f"{first[0]} {second[0]}"]
            break
    found += [_without_r(phones) for phones in found]
    found += [_OPEN_A.sub("AA", phones) for phones in found]
    return list(dict.fromkeys(found))


def _without_r(pronunciation: str) -> str:
    """Remove each r that is not before a vowel: "F AO R" → "F AO", "N AH M B ER" → "N AH M B AH"."""
    phones = pronunciation.split()
    said = []
    for place, phone in enumerate(phones):
        before_vowel = place + 1 < len(phones) and phones[place + 1] in _VOWELS
        if phone == "ER" and not before_vowel:
            said.append("AH")
        elif phone != "R" or before_vowel or place == 0:
            said.append(phone)
        elif phones[place - 1] in ("IH", "EH", "UH"):
            said.append("AH")
    return " ".join(said)


def _variants(phrase: str) -> Iterator[str]:
    """The phrase with other digits, tens and weekdays in place of its own: "at three" gives "at four", too."""
    said = phrase.split()
    words = list(said)
    places = [place for place, word in enumerate(said) if word in _PLACE]
    for step in range(_VARIANTS if places else 1):
        for order, place in enumerate(places):
            members, member = _PLACE[said[place]]
            words[place] = members[(member + step + order * (step // len(members))) % len(members)]
        yield " ".join(words)


def _framed(sentence: str) -> list[str]:
    return ["<s>", *sentence.split(), "</s>"]


def _share(found: Sequence[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(item in known for item in found) / max(1, len(found))


def _agreement(one: Sequence[str], other: Sequence[str]) -> float:
    """1 minus the word edit distance, divided by the length of the longer one."""
    distance = list(range(len(other) + 1))
    for row, word in enumerate(one, 1):
        diagonal, distance[0] = distance[0], row
        for column, candidate in enumerate(other, 1):
            least = min(distance[column] + 1, distance[column - 1] + 1, diagonal + (word != candidate))
            diagonal, distance[column] = distance[column], least
    return 1 - distance[-1] / max(1, len(one), len(other))
