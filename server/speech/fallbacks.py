"""Several engines of one kind, the best one first: when one fails, the next one goes on, in the middle of a call.

The caller hears of it only when all have failed. A breaker passes over an engine that has just failed several times.
Each engine gets only what is in its languages.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.media.resample import Resampler
from server.speech.languages import lookup
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech
from server.speech.settled import Settled, may_end
from server.speech.unspoken import unspoken

STT, TTS = "speech-to-text", "text-to-speech"

PATIENCE_S = 3.0
"""How long an engine may take while there is another one. The engines' own limits are longer; but a caller who has
waited for 3 s must not wait as long again before the next engine begins."""
KEEP_S = 30
"""How many seconds of an utterance the next engine gets: as much as engines take. With more, it gets the newest."""
_KEEP_BYTES = 2 * HEARD_RATE * KEEP_S
_PIECE_BYTES = 2 * HEARD_RATE // 10
"""Kept sound is given to the next engine in pieces of 100 ms."""

log = logging.getLogger(__name__)


class Breaker(Protocol):
    """Decides whether an engine is asked. See server/agent/breakers.py."""

    def admits(self, now_s: float) -> bool: ...

    def succeed(self) -> None: ...

    def fail(self, now_s: float) -> bool: ...


class _KnowsLanguages(Protocol):
    @property
    def languages(self) -> Sequence[str]: ...


_Engine = TypeVar("_Engine", bound=_KnowsLanguages)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[_Engine]):
    """One of the engines. `name` is what the operator calls it."""

    name: str
    engine: _Engine
    breaker: Breaker
    title: str = ""
    """What it is, if the name does not say it."""
    model: str = ""
    """The engine and its model, if the name does not say them. One of several local engines tells it by itself."""

    @property
    def served_as(self) -> str:
        """The name under which it is kept that this engine has served."""
        return self.model or self.name


class _Fallbacks(Generic[_Engine]):
    stage = ""

    def __init__(self, candidates: Sequence[Candidate[_Engine]], patience_s: float = PATIENCE_S) -> None:
        """There is at least one. `patience_s` is how long one may take while there is another."""
        self._candidates = candidates
        self._patience_s = patience_s
        self.served: Counter[tuple[str, str]] = Counter()
        """How many requests each engine has had, by its name and how they ended: "served" or "failed"."""

    @property
    def languages(self) -> Sequence[str]:
        """The languages of all engines; none, if one of them does not tell."""
        if not all(candidate.engine.languages for candidate in self._candidates):
            return ()
        return tuple(dict.fromkeys(tag for candidate in self._candidates for tag in candidate.engine.languages))

    def fit(self, *languages: str) -> list[Candidate[_Engine]]:
        """The engines that know the languages, as well as any does. One that does not tell is believed to know them."""

        def known(candidate: Candidate[_Engine]) -> int:
            own = candidate.engine.languages
            return sum(not own or not tag or lookup(tag, own) is not None for tag in languages)

        return (
            [candidate for candidate in self._candidates if known(candidate) == len(languages)]
            or [candidate for candidate in self._candidates if lookup(languages[0], candidate.engine.languages)]
            or list(self._candidates)
        )

    def choose(self, among: Sequence[Candidate[_Engine]]) -> Candidate[_Engine]:
        """The first that its breaker admits; the first of all, when none is admitted: then there is nothing to lose."""
        now_s = asyncio.get_running_loop().time()
        return next((candidate for candidate in among if candidate.breaker.admits(now_s)), among[0])

    def limit_s(self, others: Sequence[Candidate[_Engine]]) -> float | None:
        """How long an engine may take when these have not failed yet."""
        return self._patience_s if others else None

    def succeed(self, candidate: Candidate[_Engine], asker: Asker) -> None:
        candidate.breaker.succeed()
        if not candidate.title:  # else the engine has told it, which knows its model
            asker.served(candidate.served_as)
        self.served[candidate.name, "served"] += 1

    def fail(self, candidate: Candidate[_Engine], error: EngineError, call: str) -> None:
        self.served[candidate.name, "failed"] += 1
        # What one caller asks for, such as a voice that is not there, must not take the engine from the others.
        tripped = not error.refused and candidate.breaker.fail(asyncio.get_running_loop().time())
        what = "failed, and is passed over for a while" if tripped else "failed"
        log.warning("%s engine %s %s: call=%s %s", self.stage, candidate.name, what, call, error.sentence)


class SpeechToTextFallbacks(_Fallbacks[SpeechToText]):
    """A SpeechToText of several. An utterance that an engine fails at is given whole to the next one."""

    stage = STT

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        def begin(candidate: Candidate[SpeechToText], hear: Callable[[str], None]) -> SpeechStream:
            return candidate.engine.listen(phrases, hear, language, others, asker)

        return _Utterance(self, self.fit(language, *others), begin, on_partial, asker)


_Begin = Callable[[Candidate[SpeechToText], Callable[[str], None]], SpeechStream]


class _Utterance:
    """One utterance. Its sound is kept while it is open, for the next engine."""

    def __init__(
        self,
        fallbacks: SpeechToTextFallbacks,
        fit: Sequence[Candidate[SpeechToText]],
        begin: _Begin,
        on_partial: Callable[[str], None],
        asker: Asker,
    ) -> None:
        self._fallbacks, self._fit, self._begin = fallbacks, fit, begin
        self._on_partial, self._asker = on_partial, asker
        self._before = self._settled = Settled()
        """The words that the present engine does not know, and those of which the sound is not kept any more."""
        self._heard = bytearray()
        self._fed_bytes = 0
        """How much sound the utterance has, kept or not."""
        self._answer: tuple[int, str] = (0, "")
        """How much of it the last transcript covers, and its words."""
        self._closed = False
        self._open(fallbacks.choose(fit))

    @property
    def language(self) -> str:
        return self._stream.language

    def _open(self, candidate: Candidate[SpeechToText]) -> None:
        before = self._before = self._settled

        def hear(text: str) -> None:
            if self._present is candidate and not self._closed:
                self._on_partial(before.and_then(text))

        self._present = candidate
        self._stream = self._begin(candidate, hear)
        for at in range(0, len(self._heard), _PIECE_BYTES):
            self._stream.feed(bytes(self._heard[at : at + _PIECE_BYTES]))

    def feed(self, pcm: bytes) -> None:
        answered, text = self._answer
        if self._closed:
            return
        if answered == self._fed_bytes and may_end(len(self._heard), len(pcm)):
            self._settled = Settled(text)
            self._heard.clear()
        self._fed_bytes += len(pcm)
        self._heard += pcm
        del self._heard[: max(0, len(self._heard) - _KEEP_BYTES)]
        self._stream.feed(pcm)

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(STT, "The utterance is closed.")
        fed_bytes, tried = self._fed_bytes, list[Candidate[SpeechToText]]()
        while True:
            present = self._present
            tried.append(present)
            others = [candidate for candidate in self._fit if candidate not in tried]
            try:
                text = await self._ask(self._fallbacks.limit_s(others))
            except EngineError as exc:
                if self._closed:
                    raise
                self._fallbacks.fail(present, exc, self._asker.call)
                if self._present is present:  # else another wait for the transcript has already gone on
                    failed = self._stream
                    self._open(self._fallbacks.choose(others or self._fit))
                    await failed.close()  # last, because the utterance may be closed meanwhile
                if not others:
                    raise
            else:
                self._fallbacks.succeed(present, self._asker)
                self._answer = fed_bytes, text
                return text

    async def _ask(self, limit_s: float | None) -> str:
        before = self._before
        try:
            async with asyncio.timeout(limit_s):
                return before.and_then(await self._stream.transcript())
        except TimeoutError as exc:
            raise EngineError(STT, f"The engine gave no transcript within {limit_s:g} s.") from exc

    async def close(self) -> None:
        self._closed = True
        self._heard.clear()
        await self._stream.close()


class TextToSpeechFallbacks(_Fallbacks[TextToSpeech]):
    """A TextToSpeech of several. What an engine leaves unspoken of a text the next one says."""

    stage = TTS

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """Speak `text`, with one rate. `voice` is one of the first engine; the others speak with their default voice.

        When an engine fails in the middle, the next one goes on at about the word where it stopped.
        """
        rest, sound, tried = text, _OneRate(), list[Candidate[TextToSpeech]]()
        fit = self.fit(language)
        while True:
            others = [candidate for candidate in fit if candidate not in tried]
            present = self.choose(others)
            tried.append(present)
            others.remove(present)
            own = voice if present is self._candidates[0] else ""
            spoken_s = 0.0
            try:
                async with aclosing(present.engine.synthesize(rest, own, language, asker)) as chunks:
                    while (pcm := await self._next(chunks, self.limit_s(others))) is not None:
                        spoken_s += len(pcm.data) / 2 / pcm.rate
                        yield sound.convert(pcm, present is not fit[0])
                self.succeed(present, asker)
                return
            except GeneratorExit:
                if spoken_s:
                    self.succeed(present, asker)  # the caller has interrupted
                raise
            except EngineError as exc:
                self.fail(present, exc, asker.call)
                rest = unspoken(rest, spoken_s) if spoken_s else rest
                if not others and rest:
                    raise
                if not rest:
                    return

    @staticmethod
    async def _next(chunks: AsyncGenerator[Pcm, None], limit_s: float | None) -> Pcm | None:
        try:
            async with asyncio.timeout(limit_s):
                return await anext(chunks, None)
        except TimeoutError as exc:
            raise EngineError(TTS, f"The engine gave no sound within {limit_s:g} s.") from exc


class _OneRate:
    """Gives all sound the rate of its first piece: engines may differ."""

    def __init__(self) -> None:
        self._rate = self._from = 0
        self._resampler = Resampler(1, 1)

    def convert(self, pcm: Pcm, stands_in: bool) -> Pcm:
        self._rate = self._rate or pcm.rate
        if pcm.rate != self._from:
            self._from, self._resampler = pcm.rate, Resampler(pcm.rate, self._rate)
        return Pcm(self._rate, self._resampler.convert(pcm.data), stands_in)
