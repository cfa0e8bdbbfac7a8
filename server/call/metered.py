"""Metered: the speech engines of one call. They count what it uses of them, and say that it is this call that asks."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from server.call.budget import Budget
from server.call.setup import Engines
from server.media.frame import HEARD_RATE
from server.speech.protocols import Asker, Pcm, SpeechStream
from server.speech.wrapped import Asking, WrappedSpeechStream, WrappedSpeechToText, WrappedTextToSpeech

_BYTES_PER_MS = 2 * HEARD_RATE // 1000

Served = Callable[[str, str], None]
"""Is told the stage and the name of the engine that has served."""


def metered(engines: Engines, call: str, budget: Budget, served: Served = lambda stage, engine: None) -> Engines:
    """The same engines. `call` is the id of the call, and `budget` counts what it uses."""
    stt, tts = partial(served, "speech-to-text"), partial(served, "text-to-speech")
    stt(engines.names.speech_to_text)
    tts(engines.names.text_to_speech)

    def utterance(stream: SpeechStream) -> SpeechStream:
        heard = _Heard(stream, budget)
        return WrappedSpeechStream(stream, heard.transcript, heard.feed)

    async def speech(text: str, sound: AsyncGenerator[Pcm, None]) -> AsyncGenerator[Pcm, None]:
        async with aclosing(sound):
            async for pcm in sound:
                budget.add_speech(500 * len(pcm.data) / pcm.rate)
                yield pcm

    return replace(
        engines,
        speech_to_text=WrappedSpeechToText(engines.speech_to_text, utterance, _asking(Asker(call, served=stt))),
        text_to_speech=WrappedTextToSpeech(engines.text_to_speech, speech, _asking(Asker(call, served=tts))),
    )


def _asking(call: Asker) -> Asking:
    """The call asks, whoever asks in it."""
    return lambda asker: replace(call, has_sound=asker.has_sound)


class _Heard:
    """Counts what is heard of one utterance. Each time that words are asked for, the engine has to hear the whole
    utterance again, unless it has not grown."""

    def __init__(self, stream: SpeechStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self._heard_ms = 0.0
        self._grown = False

    def feed(self, pcm: bytes) -> None:
        self._heard_ms += len(pcm) / _BYTES_PER_MS
        self._grown = True
        self._stream.feed(pcm)

    async def transcript(self) -> str:
        if self._grown:
            self._budget.add_transcription(self._heard_ms)
        self._grown = False
        return await self._stream.transcript()
