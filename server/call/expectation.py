"""The sentences that callers are expected to say, and whether one of them has only begun."""

import re
from functools import lru_cache

_WORD = re.compile(r"[\w']+")


class Expectation:
    """What an agent's phrases tell of a transcript."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        whole = {tuple(_WORD.findall(phrase.lower())) for phrase in phrases}
        self._beginnings = {words[:length] for words in whole for length in range(1, len(words))} - whole

    def begun(self, text: str) -> bool:
        """`text` is the beginning of an expected sentence, and none by itself."""
        return tuple(_WORD.findall(text.lower())) in self._beginnings


@lru_cache(maxsize=8)
def expectation(phrases: tuple[str, ...]) -> Expectation:
    """The same for every call of an agent: it takes some ms to make."""
    return Expectation(phrases)
