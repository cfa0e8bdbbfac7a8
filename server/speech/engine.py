"""What a worker needs from the engine that it hosts.

Each module in `server/speech/engines/` has a class with the conventional name `Engine`, which is one of the two engines
below. `worker.py` imports the module by the engine's name and makes its `Engine(model)`. Some text-to-speech engines
also take `speed` (1.0 is the voice's own) and `threads`, by these names.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable


class Recognition(Protocol):
    """One utterance inside a speech-to-text engine: 16 kHz mono s16le in, words out."""

    @property
    def language(self) -> str:
        """The language (BCP 47) of the words, if the engine has found out; else ""."""

    def feed(self, pcm: bytes) -> str | None:
        """Take more sound. Returns the words so far if they changed, else None."""

    def finish(self) -> str:
        """Return the words of all that was fed."""

    def discard(self) -> None:
        """Give back what the engine holds for this utterance, without a result; idempotent."""


@runtime_checkable
class DraftingRecognition(Recognition, Protocol):
    """A recognition that has to go over the whole utterance again for partial words.

    The worker calls `draft` only when no call waits for the engine.
    """

    def draft(self) -> str | None:
        """Return the words so far if they changed, else None."""


class SpeechToTextEngine(Protocol):
    name: str
    languages: Sequence[str]
    """Tags (BCP 47) of the languages that the engine understands."""

    def start(self, phrases: Sequence[str], language: str, others: Sequence[str] = ()) -> Recognition:
        """Begin an utterance. `phrases` are sentences to expect.

        `language` is one of `languages`, or "" to let the engine decide. With `others`, of the same kind, the utterance
        may also be in one of them; see `detection.py`.
        """


@runtime_checkable
class BatchingEngine(SpeechToTextEngine, Protocol):
    """A speech-to-text engine that finds the words of several utterances in the time of one, as on a GPU."""

    batch: int
    """How many utterances it takes at once; 1 when there is nothing to gain."""

    def finish_together(self, recognitions: Sequence[Any]) -> list[str]:
        """Return the words of each, as `finish` does. All come from `start` of this engine."""


class TextToSpeechEngine(Protocol):
    name: str
    rate: int
    """Sample rate in Hz of what `synthesize` gives."""
    languages: Sequence[str]
    """Tags (BCP 47) of the languages that the engine speaks; each tag may be given as the voice."""

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Yield the speech as mono s16le at `rate`, in chunks of any length.

        An engine that works long for a chunk yields an empty one now and then, about every 20 ms: then another text may
        have a turn, and a cancelled text ends there.
        """
