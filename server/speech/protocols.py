"""What the call needs of its engines: small protocols, written by their consumer.

An engine's own failure is raised as `EngineError`, and never as anything else but `CancelledError`.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pcm:
    """Mono signed 16-bit little-endian samples at `rate` Hz; any whole number of samples."""

    rate: int
    data: bytes


class Transcription(Protocol):
    """One utterance on its way through speech-to-text."""

    def feed(self, pcm: bytes) -> None:
        """Add 16 kHz PCM of any length. Never waits: what the engine has not taken yet is kept, up to its limit."""

    async def transcript(self) -> str:
        """The words of everything fed so far, lower case or as the engine writes them; "" when there are none.

        More may be fed afterwards and `transcript` asked again: the answer always covers the whole utterance.
        Raises EngineError when the engine fails or takes longer than its deadline.
        """

    async def close(self) -> None:
        """Give everything back; idempotent. A waiting `transcript` ends with EngineError."""


class SpeechToText(Protocol):
    """Turns speech into words."""

    @property
    def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that `listen` can be told to expect."""

    def listen(self, phrases: Sequence[str], on_partial: Callable[[str], None], language: str = "") -> Transcription:
        """Begin an utterance. `phrases` are sentences to expect; `on_partial` gets the words so far, on the loop.

        `language` is one that `languages` serves (`languages.lookup`), or "" for the engine's own.
        """

    async def close(self) -> None:
        """End all that was started; idempotent."""


class TextToSpeech(Protocol):
    """Turns words into speech."""

    @property
    def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that `synthesize` can be told to speak."""

    def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        """Speak `text`, in chunks as they come; "" as `voice` is the engine's default. Closing the generator cancels.

        `language` is one that `languages` serves, spoken by a voice for it if `voice` is none; "" is the voice's own.
        Raises EngineError when the engine fails or is silent for longer than its deadline.
        """

    async def close(self) -> None:
        """End all that was started; idempotent."""


class VoiceActivity(Protocol):
    """Says how likely it is that somebody speaks; keeps the state of one call."""

    def probability(self, pcm: bytes) -> float:
        """0..1 for the newest 20 ms of 16 kHz PCM."""

    def reset(self) -> None:
        """Forget what was heard, as at the start of a call."""


class TurnModel(Protocol):
    """Listens whether a person is done, better than words and cadence tell; shared by all calls."""

    def judge(self, pcm: bytes, tell: Callable[[float], None]) -> None:
        """Let `tell` know, on the loop, how likely the voice that ends with this 16 kHz PCM is done: 0..1.

        Never waits. When it fails, or would be too late, it tells nothing: the call does without.
        """
