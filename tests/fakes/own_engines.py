"""Engines as an operator may write them: small and true, some of them with code that blocks."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np

from antiphon.speech import Pcm
from tests.fakes.openai_server import RATE, hum

WORD_S = 0.5
"""A transcript has one word for each half second of sound that is not silent."""


class BlockingSpeechToText:
    """Counts loud samples. Its transcript is not async, and blocks its thread."""

    languages = ("en", "de")

    def listen(self, phrases: Sequence[str], on_partial: Callable[[str], None], **other: object) -> "BlockingStream":
        return BlockingStream(on_partial)


class BlockingStream:
    def __init__(self, on_partial: Callable[[str], None]) -> None:
        self._on_partial = on_partial
        self._loud = 0

    def feed(self, pcm: bytes) -> None:
        self._loud += int(np.count_nonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > 8))
        self._on_partial(self._words())

    def _words(self) -> str:
        return " ".join(["word"] * round(self._loud / 16_000 / WORD_S))

    def transcript(self) -> str:
        time.sleep(0.01)
        return self._words()


class HummingTextToSpeech:
    """Hums for each word, in an async generator."""

    languages = ("en", "de")

    async def synthesize(self, text: str) -> AsyncIterator[Pcm]:
        for _ in text.split():
            yield Pcm(RATE, hum(0.3))


class BlockingTextToSpeech:
    """Hums for each word, in a generator that is not async and blocks its thread."""

    languages = ("en", "de")

    def synthesize(self, text: str, voice: str) -> Iterator[Pcm]:
        for _ in text.split():
            time.sleep(0.001)
            yield Pcm(RATE, hum(0.3))
