"""Utterance: what the caller is saying, on its way to words and to an answer.

Silence is held back from speech-to-text while it is asked for the words, so that the words stay valid until there is a
voice again.
"""

import asyncio
import re

from server.agent.spoken.heard import Heard
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.speech.protocols import SpeechStream


class Utterance:
    """One utterance, from its first sound until its answer is ready to be heard."""

    def __init__(self, number: int, transcription: SpeechStream | None, stopwatch: Stopwatch, text: str = "") -> None:
        """`transcription` is None for words that were typed: their `text` is known."""
        self.number = number
        self.stopwatch = stopwatch
        self.began_s = stopwatch.start_s
        self.text = text
        """The words so far, as last known."""
        self.told = False
        """The client knows these words already, from an earlier utterance."""
        self.wanted = False
        """The client wants it to be answered, where the agent speaks only when it is asked."""
        self.settled = False
        """`text` covers everything that was heard."""
        self.settling: asyncio.Task[None] | None = None
        """Asks for the words, and then begins the answer."""
        self.prepared: Reply | None = None
        """The answer to the settled words, made before it is known that the caller is done."""
        self.sound: Heard | None = None
        """Its sound, where the model of the call hears it."""
        self._transcription = transcription
        self._asked = False
        self._held: list[bytes] = []

    def hear(self, pcm: bytes, voiced: bool) -> None:
        """Give more of its sound to speech-to-text. Silence that comes after the words were asked for is held back."""
        if self._transcription is None:
            return
        if voiced:
            self.stopwatch.restart()
        elif self._asked:
            self._held.append(pcm)
            return
        sound = b"".join([*self._held, pcm])
        self._transcription.feed(sound)
        if self.sound is not None:
            self.sound.feed(sound)
        self._asked = False
        self._held.clear()

    @property
    def pause_ms(self) -> int | None:
        """How long the voice has been silent. None for words that were typed."""
        return round(self.stopwatch.elapsed_ms) if self.spoken else None

    @property
    def spoken(self) -> bool:
        """It is heard, and not typed."""
        return self._transcription is not None

    @property
    def language(self) -> str:
        """The language of the words, if speech-to-text has found out; else ""."""
        return "" if self._transcription is None else self._transcription.language

    async def words(self) -> str:
        """The words of everything that was heard. Punctuation alone, as engines write for a noise, counts as no words.

        Raises EngineError.
        """
        if self._transcription is None:
            return self.text
        self._asked = True
        text = await self._transcription.transcript()
        return text if re.search(r"\w", text) else ""

    async def close(self) -> None:
        """End speech-to-text for this utterance."""
        if self._transcription is not None:
            await self._transcription.close()
