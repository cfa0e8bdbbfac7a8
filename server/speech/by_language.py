"""Several engines of one kind that share the languages: each utterance or text goes to the engine for its language.

The first engine is the best one, for the languages that it knows. The others know languages that it does not.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from server.speech.languages import lookup
from server.speech.protocols import Pcm, SpeechStream, SpeechToText, TextToSpeech


class _KnowsLanguages(Protocol):
    @property
    def languages(self) -> Sequence[str]: ...


_Engine = TypeVar("_Engine", bound=_KnowsLanguages)


class _ByLanguage(Generic[_Engine]):
    def __init__(self, engines: Sequence[_Engine], own: str) -> None:
        """There is at least one engine. `own` is the language (BCP 47) of calls that choose none."""
        self._engines = engines
        self._own = own

    @property
    def languages(self) -> Sequence[str]:
        """The languages of all engines."""
        return tuple(dict.fromkeys(tag for engine in self._engines for tag in engine.languages))

    def _choose(self, language: str) -> tuple[_Engine, str]:
        """The engine for this language, and the language to tell it. "" leaves the language to the engine."""
        wanted = language or self._own
        for engine in self._engines:
            if lookup(wanted, engine.languages) is not None:
                return engine, wanted
        return self._engines[0], language


class SpeechToTextByLanguage(_ByLanguage[SpeechToText]):
    """A SpeechToText of several. An engine is told which language to expect also in calls that choose none: to guess
    it anew for each utterance takes time and goes wrong for short ones."""

    def listen(self, phrases: Sequence[str], on_partial: Callable[[str], None], language: str = "") -> SpeechStream:
        engine, tag = self._choose(language)
        return engine.listen(phrases, on_partial, tag)


class TextToSpeechByLanguage(_ByLanguage[TextToSpeech]):
    """A TextToSpeech of several."""

    def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        """Without `language`, the first engine may speak in the language of `voice`."""
        engine, tag = self._choose(language)
        return engine.synthesize(text, voice, language if engine is self._engines[0] else tag)
