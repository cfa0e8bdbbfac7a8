"""Real speech engines for calls on virtual time. They compute in this process, and their CPU time counts in the call.

Speech-to-text works as it does in the server's worker process: it takes requests in their order, on one thread, is fed
60 ms of sound at a time, makes drafts while it has nothing else to do, and starts again from the beginning when more is
said after a transcript. Only CPU time counts, so a busy machine hardly changes the result.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import TypeVar

from server.media.frame import HEARD_RATE, SPOKEN_RATE
from server.speech.engine import DraftingRecognition, Recognition, SpeechToTextEngine
from server.speech.engines import smart_turn
from server.speech.languages import lookup
from server.speech.protocols import ANYBODY, Asker, Pcm
from tests.voices import speak

T = TypeVar("T")

BATCH_BYTES = 2 * HEARD_RATE * 60 // 1000
ANEW_BYTES = 2 * HEARD_RATE * 200 // 1000
"""How much sound after a transcript makes the engine start again. The same as in `server/speech/wyoming_stt.py`."""
CHUNK_BYTES = 2 * SPOKEN_RATE // 10
SILENT = 64
"""Samples up to this value, where full scale is 32767, are silence before the first sound."""
AGENT_SPEED = 165
"""Words a minute. The same as in `server/speech/engines/espeak.py`."""


class MeasuredSpeechToText:
    """One engine for all calls of a run. PocketSphinx loads a language model for each of the lists of phrases."""

    def __init__(self, engine: SpeechToTextEngine, language: str, *lists: Sequence[str]) -> None:
        """`language` is the one of calls that choose none."""
        self._engine = engine
        self._language = language
        for phrases in lists:
            self._engine.start(phrases, language).discard()

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "MeasuredTranscription":
        known = lookup(language or self._language, self._engine.languages) or ""
        return MeasuredTranscription(self._engine, phrases, on_partial, known)


class MeasuredEndpointModel:
    """Smart Turn, once for all calls of a run."""

    def __init__(self, engine: smart_turn.Engine) -> None:
        self._engine = engine

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        start_s = time.process_time()
        probability = self._engine.probability(pcm)
        return asyncio.get_running_loop().call_later(time.process_time() - start_s, tell, probability).cancel


class MeasuredTranscription:
    """The transcription of one utterance."""

    def __init__(
        self, engine: SpeechToTextEngine, phrases: Sequence[str], on_partial: Callable[[str], None], language: str
    ) -> None:
        self._engine, self._phrases, self._on_partial, self._language = engine, phrases, on_partial, language
        self._loop = asyncio.get_running_loop()
        self._free_s = self._loop.time()
        """The time on the call's clock at which the engine has done all that it was asked."""
        self._heard = bytearray()
        self._shown, self._generation, self._closed = "", 0, False
        self.language = ""
        self._stopped_at: int | None = None
        self._utterance: Recognition
        self._final = ""
        self._begin()

    def feed(self, pcm: bytes) -> None:
        self._heard += pcm
        if self._stopped_at is None:
            self._decode(BATCH_BYTES)
        elif len(self._heard) - self._stopped_at >= ANEW_BYTES:
            self._begin()

    async def transcript(self) -> str:
        if self._stopped_at not in (None, len(self._heard)):
            self._begin()
        if self._stopped_at is None:
            self._stopped_at = len(self._heard)
            self._decode(1)
            self._final = self._timed(self._utterance.finish)
        await asyncio.sleep(max(0.0, self._free_s - self._loop.time()))
        return self._final

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._utterance.discard()

    def _begin(self) -> None:
        if self._generation:
            self._utterance.discard()
        self._generation += 1
        self._utterance = self._engine.start(self._phrases, self._language)
        self._fed, self._stopped_at, self._final = 0, None, ""
        self._decode(BATCH_BYTES)

    def _decode(self, at_least: int) -> None:
        while len(self._heard) - self._fed >= at_least:
            piece = bytes(self._heard[self._fed : self._fed + BATCH_BYTES])
            self._fed += len(piece)
            words = self._timed(partial(self._utterance.feed, piece))
            if isinstance(self._utterance, DraftingRecognition) and self._free_s <= self._loop.time():
                words = self._timed(self._utterance.draft)
            if words is not None:
                self._loop.call_at(self._free_s, self._report, self._generation, words)

    def _timed(self, work: Callable[[], T]) -> T:
        start_s = time.process_time()
        result = work()
        self._free_s = max(self._free_s, self._loop.time()) + time.process_time() - start_s
        return result

    def _report(self, generation: int, words: str) -> None:
        """Show the words so far, unless they are old: after a new start the engine finds earlier words again."""
        if self._closed or generation != self._generation or self._shown.startswith(words):
            return
        self._shown = words
        self._on_partial(words)


class MeasuredTextToSpeech:
    """eSpeak NG in the server's own voice. The same words have the same sound every time, so calls can be compared."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], tuple[bytes, float]] = {}

    languages: Sequence[str] = ()

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        if (text, voice) not in self._said:
            self._said[text, voice] = _spoken(text, voice)
        pcm, took_s = self._said[text, voice]
        await asyncio.sleep(took_s)
        for start in range(0, len(pcm), CHUNK_BYTES):
            yield Pcm(SPOKEN_RATE, pcm[start : start + CHUNK_BYTES])


def _spoken(text: str, voice: str) -> tuple[bytes, float]:
    """24 kHz PCM from the first sound on, and the CPU seconds that it took to make it."""
    start_s = time.process_time()
    pcm = speak(text, voice or "en-us", SPOKEN_RATE, AGENT_SPEED)
    took_s = time.process_time() - start_s
    first = next((i for i, sample in enumerate(memoryview(pcm).cast("h")) if abs(sample) > SILENT), 0)
    return pcm[2 * first :], took_s
