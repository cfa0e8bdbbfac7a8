"""Wrapped: speech engines around other ones, to which they hand everything on. A wrapper says only what it changes."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech

Asking = Callable[[Asker], Asker]
"""Is given who asks, and tells who asks the engine inside."""
Speaking = Callable[[str, AsyncGenerator[Pcm, None]], AsyncGenerator[Pcm, None]]
"""Is given a text and its sound, of which nothing is made yet, and gives the sound. It closes what it is given."""


def _same(asker: Asker) -> Asker:
    return asker


class WrappedSpeechToText:
    """A SpeechToText around another one. `change` is given each utterance, and gives the one that takes its place."""

    def __init__(
        self, engine: SpeechToText, change: Callable[[SpeechStream], SpeechStream], asking: Asking = _same
    ) -> None:
        self._engine = engine
        self._change = change
        self._asking = asking

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
        return self._change(self._engine.listen(phrases, on_partial, language, others, self._asking(asker)))


class WrappedSpeechStream:
    """An utterance around another one, with its own `transcript`, and its own `feed` if there is one."""

    def __init__(
        self,
        stream: SpeechStream,
        transcript: Callable[[], Coroutine[Any, Any, str]],
        feed: Callable[[bytes], None] | None = None,
    ) -> None:
        self.feed = feed or stream.feed
        self.transcript = transcript
        self.close = stream.close
        self._stream = stream

    @property
    def language(self) -> str:
        return self._stream.language


class WrappedTextToSpeech:
    """A TextToSpeech around another one. `change` gives each sound."""

    def __init__(self, engine: TextToSpeech, change: Speaking, asking: Asking = _same) -> None:
        self._engine = engine
        self._change = change
        self._asking = asking

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        return self._change(text, self._engine.synthesize(text, voice, language, self._asking(asker)))
