"""Metered: the speech engines of one call. They count what it uses of them, and say that it is this call that asks."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from server.call.budget import Budget
from server.call.setup import Engines
from server.media.frame import HEARD_RATE
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech

_BYTES_PER_MS = 2 * HEARD_RATE // 1000


Served = Callable[[str, str], None]
"""Is told the stage and the name of the engine that has served."""


def metered(engines: Engines, call: str, budget: Budget, served: Served = lambda stage, engine: None) -> Engines:
    """The same engines. `call` is the id of the call, and `budget` counts what it uses."""
    stt, tts = partial(served, "speech-to-text"), partial(served, "text-to-speech")
    stt(engines.names.speech_to_text)
    tts(engines.names.text_to_speech)
    return replace(
        engines,
        speech_to_text=MeteredSpeechToText(engines.speech_to_text, Asker(call, served=stt), budget),
        text_to_speech=MeteredTextToSpeech(engines.text_to_speech, Asker(call, served=tts), budget),
    )


class MeteredSpeechToText:
    """A SpeechToText of one call."""

    def __init__(self, engine: SpeechToText, asker: Asker, budget: Budget) -> None:
        """`asker` is the call."""
        self._engine = engine
        self._asker = asker
        self._budget = budget

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
    ) -> SpeechStream:
        stream = self._engine.listen(phrases, on_partial, language, others, self._asker)
        return _MeteredSpeechStream(stream, self._budget)


class _MeteredSpeechStream:
    """Each time that words are asked for, the engine has to hear the whole utterance again, unless it has not grown."""

    def __init__(self, stream: SpeechStream, budget: Budget) -> None:
        self.close = stream.close
        self._stream = stream
        self._budget = budget
        self._heard_ms = 0.0
        self._grown = False

    @property
    def language(self) -> str:
        return self._stream.language

    def feed(self, pcm: bytes) -> None:
        self._heard_ms += len(pcm) / _BYTES_PER_MS
        self._grown = True
        self._stream.feed(pcm)

    async def transcript(self) -> str:
        if self._grown:
            self._budget.add_transcription(self._heard_ms)
        self._grown = False
        return await self._stream.transcript()


class MeteredTextToSpeech:
    """A TextToSpeech of one call."""

    def __init__(self, engine: TextToSpeech, asker: Asker, budget: Budget) -> None:
        """`asker` is the call."""
        self._engine = engine
        self._asker = asker
        self._budget = budget

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        sound = self._engine.synthesize(text, voice, language, replace(self._asker, has_sound=asker.has_sound))
        async with aclosing(sound):
            async for pcm in sound:
                self._budget.add_speech(500 * len(pcm.data) / pcm.rate)
                yield pcm
