"""Scripted engines: those that authors test with, with failures, delays and noises to choose."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from server.errors import EngineError
from server.media.frame import HEARD_BYTES, SPOKEN_RATE
from server.speech.protocols import ANYBODY, Asker, Pcm
from server.testing.engines import CHARS_PER_S, CHUNK_SAMPLES, FILLING, TONE, WORD_MS, EnergyVad, frame_of, word_in

__all__ = ["CHARS_PER_S", "COUGH", "WORD_MS", "EnergyVad", "LetterSpeechToText", "SteadyTextToSpeech", "sound"]

COUGH = "*"
"""A "word" whose sound gives no words."""


@functools.lru_cache(maxsize=4_096)
def sound(word: str, frame: int, frames: int, softer_db: float = 0) -> bytes:
    """Frame number `frame` of the sound of a word that lasts `frames` frames.

    `softer_db`: how much softer it is than the sound of a near caller, at least 6 dB, or 0.
    """
    near = frame_of(word, frame, frames)
    if not softer_db:
        return near
    letters = near.rstrip(FILLING)
    samples = np.frombuffer(near, "<i2").astype(float)
    level = int(np.sqrt(np.mean(samples**2)) / 10 ** (softer_db / 20))
    high, low = divmod(min(level, 32_000), 256)
    filling = bytes([low & 0x7F, high & 0x7F]) * HEARD_BYTES
    return b"".join(bytes([letter, 0]) for letter in letters) + filling[: HEARD_BYTES - 2 * len(letters)]


@dataclass
class LetterSpeechToText:
    """Reads the words from the frames. Partial words come `partial_ms` after a word; None means no partial words.
    A transcript takes `final_ms`."""

    final_ms: float = 30
    partial_ms: float | None = 0
    failures: int = 0
    """How many transcripts fail before the first one succeeds."""
    opened: int = 0
    closed: int = 0
    languages: tuple[str, ...] = ("en", "de")
    asked: list[tuple[Sequence[str], str]] = field(default_factory=list)
    """The phrases and the language of each utterance."""
    open_to: list[Sequence[str]] = field(default_factory=list)
    """The other languages in which each utterance might be."""
    tells: dict[str, str] = field(default_factory=dict)
    """The language of a word, which is found out if it is among the possible ones."""

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "LetterSpeechStream":
        self.opened += 1
        self.asked.append((phrases, language))
        self.open_to.append(others)
        return LetterSpeechStream(self, on_partial, (language, *others) if others else ())


class LetterSpeechStream:
    def __init__(
        self, engine: LetterSpeechToText, on_partial: Callable[[str], None], possible: Sequence[str] = ()
    ) -> None:
        self._engine = engine
        self._possible = possible
        self._on_partial = on_partial
        self._words: list[str] = []
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), HEARD_BYTES):
            self._feed(pcm[start : start + HEARD_BYTES])

    def _feed(self, frame: bytes) -> None:
        if (word := word_in(frame)) not in (None, COUGH):
            self._words.append(word)
            if self._engine.partial_ms is not None:
                text = " ".join(self._words)
                asyncio.get_running_loop().call_later(self._engine.partial_ms / 1000, self._partial, text)

    @property
    def language(self) -> str:
        told = [tag for word in self._words if (tag := self._engine.tells.get(word)) in self._possible]
        return told[-1] if told else ""

    def _partial(self, text: str) -> None:
        if not self._closed:
            self._on_partial(text)

    async def transcript(self) -> str:
        text = " ".join(self._words)
        await asyncio.sleep(self._engine.final_ms / 1000)
        if self._engine.failures:
            self._engine.failures -= 1
            raise EngineError("speech-to-text", "The speech-to-text server cannot be reached.")
        return text

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.closed += 1


@dataclass
class SteadyTextToSpeech:
    """Speaks `chars_per_s` characters per second; the first chunk comes after `first_ms`. `said` has the texts."""

    first_ms: float = 30
    failures: int = 0
    said: list[str] = field(default_factory=list)
    manners: list[tuple[str, str]] = field(default_factory=list)
    """The voice and the language of each text in `said`."""
    askers: list[Asker] = field(default_factory=list)
    """Who asked for each text in `said`."""
    chars_per_s: int = CHARS_PER_S
    languages: tuple[str, ...] = ("en", "de")

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        await asyncio.sleep(self.first_ms / 1000)
        if self.failures:
            self.failures -= 1
            raise EngineError("text-to-speech", "The text-to-speech server hung up.")
        self.said.append(text)
        self.manners.append((voice, language))
        self.askers.append(asker)
        samples = SPOKEN_RATE * len(text) // self.chars_per_s
        for start in range(0, samples, CHUNK_SAMPLES):
            yield Pcm(SPOKEN_RATE, TONE[: 2 * min(CHUNK_SAMPLES, samples - start)])
