"""What a call needs from its speech engines, as small protocols.

An engine that fails raises EngineError. It raises nothing else, except CancelledError.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pcm:
    """Mono signed 16-bit little-endian samples at `rate` Hz; any whole number of samples."""

    rate: int
    data: bytes
    stands_in: bool = False
    """It is of an engine that stands in for another one, so it is not kept for later calls: its voice may be another
    one."""


def _nobody(engine: str) -> None:
    """Nobody wants to know who has served."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks an engine. An engine that all calls share can then serve them in a fair order."""

    call: str = ""
    """The id of the call. A request without one counts as a call of its own."""
    has_sound: bool = False
    """The caller still has sound to hear, so nobody waits for this request in silence."""
    served: Callable[[str], None] = field(default=_nobody, compare=False, repr=False)
    """Is told the name of the engine that has served, with its model, where there are several."""


ANYBODY = Asker()
CALL, HAS_SOUND = "call", "has_sound"
"""The names of the fields of an Asker in the `context` of a Wyoming event."""


class SpeechStream(Protocol):
    """One utterance on its way through speech-to-text."""

    @property
    def language(self) -> str:
        """The language (BCP 47) in which the last transcript is, if the engine has found out; else ""."""

    def feed(self, pcm: bytes) -> None:
        """Add 16 kHz PCM of any length. Never waits: sound that the engine has not taken yet is kept, up to a limit."""

    async def transcript(self) -> str:
        """The words of everything fed so far, lower case or as the engine writes them; "" when there are none.

        After more sound is fed, `transcript` may be called again: it always covers the whole utterance.
        Raises EngineError when the engine fails or takes longer than its deadline.
        """

    async def close(self) -> None:
        """Release everything; idempotent. A `transcript` call that still waits raises EngineError."""


class SpeechToText(Protocol):
    """Turns speech into words."""

    @property
    def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that `listen` can be told to expect."""

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        """Begin an utterance. `phrases` are sentences to expect; `on_partial` gets the words so far, on the loop.

        `language` is one that `languages` serves (see `languages.lookup`), or "" for the engine's default.

        With `others` the utterance may also be in one of them. Then `language` is what was spoken last, or "" while
        nothing is known, and the engine finds out which it is, if it can. Where it cannot tell, it expects `language`,
        or the first of `others`.
        """


class TextToSpeech(Protocol):
    """Turns words into speech."""

    @property
    def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that `synthesize` can be told to speak."""

    def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """Speak `text`; the chunks come as they are made. Closing the generator cancels the rest.

        `voice` is a name, or "" for the engine's default. `language` is one that `languages` serves, or "" for the
        language of the voice. When `voice` does not speak `language`, another voice speaks.
        Raises EngineError when the engine fails or gives no sound for longer than its deadline.
        """


class VoiceActivity(Protocol):
    """Tells how likely it is that the caller speaks. It keeps the state of one call."""

    def probability(self, pcm: bytes) -> float:
        """0..1 for the newest 20 ms of 16 kHz PCM."""

    def reset(self) -> None:
        """Forget the sound so far, as at the start of a call."""


class EndpointModel(Protocol):
    """Judges from the sound whether the caller is done, better than the words alone. All calls share it."""

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        """Call `tell` on the loop with the probability, 0..1, that the speech at the end of this 16 kHz PCM is done.

        Never waits. `tell` gets None when the model fails or takes too long: the call decides without it. Call the
        result when nobody wants the answer any more, because the caller has gone on; idempotent.
        """
