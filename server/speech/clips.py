"""What every caller hears in the same words, made once: a greeting, a goodbye, an apology for an engine that is down.

Kept as sound, before it is encoded: to make a second of speech takes text-to-speech 2 to 100 ms, to encode it 2 ms, and
what is encoded could be neither ducked nor sent by another codec.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from server.errors import EngineError
from server.speech.protocols import Pcm, TextToSpeech
from server.speech.sentences import Clauses

log = logging.getLogger(__name__)


class Clips:
    """A TextToSpeech that asks another one only for what it has not kept. It keeps these texts, clause by clause."""

    def __init__(self, tts: TextToSpeech, texts: Iterable[str]) -> None:
        self._tts = tts
        self._clauses = [clause for text in texts for clause in _clauses(text)]
        self._voice: str | None = None
        self._kept: dict[str, list[Pcm]] = {}

    async def prepare(self, voice: str) -> None:
        """Make them all in this voice, before anybody calls; a call that has chosen another one is asked for anew.

        An engine that fails now is asked again when somebody calls.
        """
        self._voice = voice
        try:
            for clause in self._clauses:
                async with aclosing(self.synthesize(clause, voice)) as sound:
                    async for _ in sound:
                        pass
        except EngineError as error:
            log.warning("x no clips: %s", error)

    @property
    def languages(self) -> Sequence[str]:
        return self._tts.languages

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        own = voice == self._voice and not language
        kept = self._kept.get(text) if own else None
        if kept is not None:
            for pcm in kept:
                yield pcm
            return
        made = []
        async with aclosing(self._tts.synthesize(text, voice, language)) as sound:
            async for pcm in sound:
                made.append(pcm)
                yield pcm
        if text in self._clauses and own:
            self._kept[text] = made

    async def close(self) -> None:
        await self._tts.close()


def _clauses(text: str) -> list[str]:
    """As a reply cuts it."""
    cutter = Clauses()
    return cutter.receive(text) + cutter.finish()
