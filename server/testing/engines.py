"""Engines of words: small, true implementations of the protocols of speech.

The sound of a word carries the word itself: the bytes of each frame are its letters. So speech-to-text really reads the
words from the sound that it gets, and half a word gives nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import numpy as np

from server.media.frame import FRAME_MS, HEARD_BYTES, SILENCE, SPOKEN_RATE
from server.speech.protocols import ANYBODY, Asker, Pcm

WORD_MS = 300
"""How long a word of the caller is."""
LONGEST_WORD = 600
"""Bytes in the longest word that a frame has room for."""
CHARS_PER_S = 15
"""How fast the agent speaks: most voices speak 13 to 17 characters in a second."""
FIRST_CHUNK_S = 0.03
"""How long text-to-speech takes to begin."""
TRANSCRIPT_S = 0.03
"""How long speech-to-text takes for a transcript."""
CHUNK_SAMPLES = SPOKEN_RATE // 5
TONE = (8000 * np.sin(np.arange(CHUNK_SAMPLES) * 2 * np.pi / 60)).astype(np.int16).tobytes()
"""200 ms of 400 Hz at 24 kHz."""
FILLING = b"\x01"
"""What a frame of a word has after its letters. No frame with a word is SILENCE."""


def sound(text: str, word_ms: int = WORD_MS) -> list[bytes]:
    """The frames of a text, one word after the other. Raises ValueError when a word does not fit into a frame."""
    frames = word_ms // FRAME_MS
    return [frame_of(word, number, frames) for word in text.replace("|", " ").split() for number in range(frames)]


def frame_of(word: str, number: int, frames: int) -> bytes:
    """Frame number `number` of the sound of a word that lasts `frames` frames."""
    if len(word.encode()) > LONGEST_WORD:
        raise ValueError(f"a word has at most {LONGEST_WORD} bytes")
    return f"{word}|{number}|{frames}|".encode().ljust(HEARD_BYTES, FILLING)


def word_in(frame: bytes) -> str | None:
    """The word that ends with this frame; None when none does."""
    if frame == SILENCE:
        return None
    word, number, frames, _ = frame.replace(b"\0", b"").decode().split("|", 3)
    return word if int(number) == int(frames) - 1 else None


class EnergyVad:
    """Takes everything that is not digital silence for speech."""

    def probability(self, pcm: bytes) -> float:
        return 0.0 if pcm == SILENCE else 1.0

    def reset(self) -> None:
        pass


class ExactSpeechToText:
    """Hears each word exactly, in any of its languages, as soon as the word is over."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = languages

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "ExactStream":
        return ExactStream(on_partial)


class ExactStream:
    """One utterance. It does not find out its language."""

    language = ""

    def __init__(self, on_partial: Callable[[str], None]) -> None:
        self._on_partial = on_partial
        self._words: list[str] = []
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), HEARD_BYTES):
            word = word_in(pcm[start : start + HEARD_BYTES])
            if word is not None:
                self._words.append(word)
                asyncio.get_running_loop().call_soon(self._tell, " ".join(self._words))

    def _tell(self, text: str) -> None:
        if not self._closed:
            self._on_partial(text)

    async def transcript(self) -> str:
        text = " ".join(self._words)
        await asyncio.sleep(TRANSCRIPT_S)
        return text

    async def close(self) -> None:
        self._closed = True


class SteadyTextToSpeech:
    """Speaks so many characters a second, with one voice that knows all languages."""

    def __init__(
        self,
        languages: Sequence[str],
        chars_per_s: int = CHARS_PER_S,
        on_clause: Callable[[str], None] = lambda clause: None,
    ) -> None:
        """`on_clause` is given each text when it begins to be spoken."""
        self.languages = languages
        self._chars_per_s = chars_per_s
        self._on_clause = on_clause

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        self._on_clause(text)
        await asyncio.sleep(FIRST_CHUNK_S)
        samples = SPOKEN_RATE * len(text) // self._chars_per_s
        for start in range(0, samples, CHUNK_SAMPLES):
            yield Pcm(SPOKEN_RATE, TONE[: 2 * min(CHUNK_SAMPLES, samples - start)])
