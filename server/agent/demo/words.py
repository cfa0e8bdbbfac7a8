"""The words of a transcript as the rules read them: without contractions and fillers, in one form for all engines."""

import re

from server.call.turns.lexicon.english_writing import words_of as words_in_one_writing

_CONTRACTIONS = {
    **{f"{word}'s": f"{word} is" for word in "what that when where who how it he she there here name number".split()},
    "let's": "let us",
    "won't": "will not",
    "can't": "can not",
    "goodbye": "bye",
    "o'clock": "",
}
_ENDINGS = {"'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would", "n't": " not", "'s": ""}
_FILLERS = frozenset("um uh er erm".split())
_DASH = "[-‐‑‒–—−]"
_JOINTS = (
    (re.compile(rf"(?<=\d){_DASH}\s*(?=[$£€]?\d)"), " hyphen "),  # 42-71
    (re.compile(rf"(?<=\d)\s+{_DASH}\s*(?=[$£€]?\d)"), " dash "),  # 42 - 71
    (re.compile(r"(?<=\d)/(?=[$£€]?\d)"), " slash "),  # 24/7
)
"""What stands between two numbers and may be part of an order number, a time, a span or a sum."""


def words_of(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation or contractions: "What's 12 + 30?" becomes what, is, 12, plus, 30.

    "42-71" becomes 42, hyphen, 71, "42 - 71" becomes 42, dash, 71, and "24/7" becomes 24, slash, 7: only the
    sentence tells what is meant.
    """
    for pattern, joint in _JOINTS:
        text = pattern.sub(joint, text)
    found = " ".join(_full(word) for word in words_in_one_writing(text)).split()
    return tuple(_without_fillers(found)) or tuple(found)


def _full(word: str) -> str:
    """`word` without its contraction, or without its possessive s."""
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    ending = next((ending for ending in _ENDINGS if word.endswith(ending)), None)
    return word.removesuffix(ending) + _ENDINGS[ending] if ending else word


def _without_fillers(found: list[str]) -> list[str]:
    """The words without "um" and "uh", but with "uh huh"."""
    after = [*found[1:], ""][: len(found)]
    return [word for word, next_ in zip(found, after, strict=True) if word not in _FILLERS or next_ in ("huh", "hmm")]
