"""The sentences that callers are expected to say, and whether one of them has only begun."""

from functools import lru_cache

from server.call.turns.lexicon.lexicon import words_of


class Expectation:
    """What an agent's phrases tell of a transcript."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        sentences = {_words(phrase) for phrase in phrases}
        beginnings = {words[:length] for words in sentences for length in range(1, len(words))}
        self._beginnings, self._whole = beginnings - sentences, sentences - beginnings

    def begun(self, text: str) -> bool:
        """`text` is the beginning of an expected sentence, and none by itself."""
        return _words(text) in self._beginnings

    def whole(self, text: str) -> bool:
        """`text` is an expected sentence, and no other begins with it."""
        return _words(text) in self._whole


def _words(text: str) -> tuple[str, ...]:
    return tuple(words_of(text))


@lru_cache(maxsize=8)
def expectation(phrases: tuple[str, ...]) -> Expectation:
    """The same for every call of an agent: it takes some ms to make."""
    return Expectation(phrases)
