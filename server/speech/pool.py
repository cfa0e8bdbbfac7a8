"""Several engines of the same kind that share the work: each utterance goes to the one that has the fewest."""

from collections.abc import Callable, Sequence
from typing import Protocol

from server.speech.protocols import ANYBODY, Asker, SpeechStream, SpeechToText


class CountedSpeechToText(SpeechToText, Protocol):
    """A SpeechToText that knows how busy it is."""

    @property
    def utterances(self) -> int:
        """How many utterances are open."""


class SpeechToTextPool:
    """A SpeechToText of several that are alike. There is at least one."""

    def __init__(self, engines: Sequence[CountedSpeechToText]) -> None:
        self._engines = engines

    @property
    def languages(self) -> Sequence[str]:
        return self._engines[0].languages

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        engine = min(self._engines, key=lambda engine: engine.utterances)
        return engine.listen(phrases, on_partial, language, others, asker)
