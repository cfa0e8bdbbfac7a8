"""Several engines of one kind that share the languages: each utterance or text goes to the engine for its language.

The first engine is the best one, for the languages that it knows. The others know languages that it does not.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from server.speech.languages import lookup
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech


class _KnowsLanguages(Protocol):
    @property
    def languages(self) -> Sequence[str]: ...


_Engine = TypeVar("_Engine", bound=_KnowsLanguages)


class _ByLanguage(Generic[_Engine]):
    def __init__(self, engines: Sequence[_Engine], names: Sequence[str] = ()) -> None:
        """There is at least one engine. With `names`, whoever asks is told that of the engine that is taken."""
        self._engines = engines
        self._names = names

    @property
    def languages(self) -> Sequence[str]:
        """The languages of all engines."""
        return tuple(dict.fromkeys(tag for engine in self._engines for tag in engine.languages))

    def _choose(self, asker: Asker, *languages: str) -> _Engine:
        """The first of the engines that know most of these languages."""
        known = [sum(lookup(tag, engine.languages) is not None for tag in languages) for engine in self._engines]
        best = known.index(max(known))
        if self._names:
            asker.served(self._names[best])
        return self._engines[best]


class SpeechToTextByLanguage(_ByLanguage[SpeechToText]):
    """A SpeechToText of several. An utterance that may be in several languages goes to an engine that knows them."""

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        return self._choose(asker, language, *others).listen(phrases, on_partial, language, others, asker)


class TextToSpeechByLanguage(_ByLanguage[TextToSpeech]):
    """A TextToSpeech of several."""

    def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        return self._choose(asker, language).synthesize(text, voice, language, asker)
