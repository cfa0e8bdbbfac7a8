"""Makes the speech that every caller hears in the same words (greeting, goodbye, apology …) once, and keeps it.

It is kept as PCM, before the encoder. Text-to-speech takes 2 to 100 ms for a second of speech, but encoding takes only
2 ms. Also, encoded speech can neither be ducked nor be sent with another codec.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from server.errors import EngineError
from server.speech.clauses import Clauses
from server.speech.protocols import ANYBODY, Asker, Pcm, TextToSpeech

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FixedText:
    """A text that many callers hear, with the voice and the language in which it is spoken."""

    text: str
    voice: str = ""
    language: str = ""


class CachedTextToSpeech:
    """A TextToSpeech that keeps the speech of `texts`, clause by clause, and asks `tts` for everything else.

    What an engine has said that stands in for another one is not kept.
    """

    def __init__(self, tts: TextToSpeech, texts: Iterable[FixedText]) -> None:
        self._tts = tts
        self._clauses = dict.fromkeys(replace(text, text=clause) for text in texts for clause in _clauses(text.text))
        self._kept: dict[FixedText, list[Pcm]] = {}

    async def prepare(self) -> None:
        """Make the speech of all texts, before the first call. In other voices or languages nothing is kept.

        If the engine fails now, the missing texts are made when a call needs them.
        """
        try:
            for clause in self._clauses:
                async with aclosing(self.synthesize(clause.text, clause.voice, clause.language)) as sound:
                    async for _ in sound:
                        pass
        except EngineError as error:
            log.warning("x the agent's fixed lines cannot be prepared: %s", error)

    @property
    def languages(self) -> Sequence[str]:
        return self._tts.languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        asked = FixedText(text, voice, language)
        if asked in self._kept:
            for pcm in self._kept[asked]:
                yield pcm
            return
        made = []
        async with aclosing(self._tts.synthesize(text, voice, language, asker)) as sound:
            async for pcm in sound:
                made.append(pcm)
                yield pcm
        if asked in self._clauses and not any(pcm.stands_in for pcm in made):
            self._kept[asked] = made


def _clauses(text: str) -> list[str]:
    """The clauses of `text`, cut as a reply cuts its text."""
    cutter = Clauses()
    return cutter.receive(text) + cutter.finish()
