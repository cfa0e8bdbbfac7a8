"""Expectation: the sentences that callers are expected to say. Is a transcript one of them, or only a beginning?"""

from functools import lru_cache

from server.call.turns.lexicon.lexicon import Lexicon


class Expectation:
    """The expected sentences of one agent. It does not matter how speech-to-text writes them."""

    def __init__(self, phrases: tuple[str, ...], lexicon: Lexicon) -> None:
        """`lexicon` is the one of the phrases' language."""
        sentences = {lexicon.words(phrase) for phrase in phrases}
        beginnings = {words[:length] for words in sentences for length in range(1, len(words))}
        self._lexicon = lexicon
        self._beginnings, self._whole = beginnings - sentences, sentences - beginnings

    def begun(self, text: str) -> bool:
        """`text` is the beginning of an expected sentence, and is not an expected sentence itself."""
        return self._lexicon.words(text) in self._beginnings

    def whole(self, text: str) -> bool:
        """`text` is an expected sentence, and no other expected sentence begins with it."""
        return self._lexicon.words(text) in self._whole


@lru_cache(maxsize=8)
def expectation(phrases: tuple[str, ...], lexicon: Lexicon) -> Expectation:
    """The expectation of an agent with these `phrases`. It is cached, because to make it takes some ms."""
    return Expectation(phrases, lexicon)
