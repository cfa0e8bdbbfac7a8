"""Makes the speech that every caller hears in the same words (greeting, goodbye, apology …) once, and keeps it.

It is kept as PCM, before the encoder. Text-to-speech takes 2 to 100 ms for a second of speech, but encoding takes only
2 ms. Also, encoded speech can neither be ducked nor be sent with another codec.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from server.errors import EngineError
from server.speech.clauses import Clauses
from server.speech.protocols import Pcm, TextToSpeech

log = logging.getLogger(__name__)


class CachedTextToSpeech:
    """A TextToSpeech that keeps the speech of `texts`, clause by clause, and asks `tts` for everything else."""

    def __init__(self, tts: TextToSpeech, texts: Iterable[str]) -> None:
        self._tts = tts
        self._clauses = [clause for text in texts for clause in _clauses(text)]
        self._voice: str | None = None
        self._kept: dict[str, list[Pcm]] = {}

    async def prepare(self, voice: str) -> None:
        """Make the speech of all texts in `voice`, before the first call. For other voices nothing is kept.

        If the engine fails now, the missing texts are made when a call needs them.
        """
        self._voice = voice
        try:
            for clause in self._clauses:
                async with aclosing(self.synthesize(clause, voice)) as sound:
                    async for _ in sound:
                        pass
        except EngineError as error:
            log.warning("x the agent's fixed lines cannot be prepared: %s", error)

    @property
    def languages(self) -> Sequence[str]:
        return self._tts.languages

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        cacheable = text in self._clauses and voice == self._voice and not language
        if cacheable and text in self._kept:
            for pcm in self._kept[text]:
                yield pcm
            return
        made = []
        async with aclosing(self._tts.synthesize(text, voice, language)) as sound:
            async for pcm in sound:
                made.append(pcm)
                yield pcm
        if cacheable:
            self._kept[text] = made


def _clauses(text: str) -> list[str]:
    """The clauses of `text`, cut as a reply cuts its text."""
    cutter = Clauses()
    return cutter.receive(text) + cutter.finish()
