"""Answer: what the provider of a speech-to-speech model answers to one request, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pydantic_ai.exceptions import ModelAPIError, ModelQuotaExceededError, ModelRateLimitError, ModelServerError
from pydantic_ai.messages import RealtimeSessionErrorEvent
from pydantic_ai.realtime.codec import AudioDelta, OutputTranscript, RealtimeCodecEvent, SessionUsage, ToolCall
from pydantic_ai.realtime.lifecycle import ResponseEnded
from pydantic_ai.usage import RequestUsage

from server.agent.spoken.sound import Sound

MAX_SOUND_S = 600
"""The longest answer. All of it is kept until it is heard, because providers send faster than one can listen."""
MAX_CHARS = 30 * MAX_SOUND_S
"""Twice as many as anybody says in that time."""
MAX_PIECES = 60_000
"""Of how many pieces it may be, sound and words and calls of tools: twice as many as such an answer needs."""
WORDLESS = "…"
"""Stands for the words of an answer of which only the sound has come."""


@dataclass(frozen=True, slots=True)
class Written:
    """Words that the model does not speak itself."""

    text: str


Piece = str | Written | ToolCall | ResponseEnded
"""Words, a tool that the model calls, or the end. "" stands for sound without new words."""


class Answer:
    """One answer. Its sound goes to `on_sound`, which is told of each Sound when it begins."""

    def __init__(
        self,
        model_name: str,
        rate: int,
        on_sound: Callable[[Sound], None],
        on_cut: Callable[[Sound, int], None],
    ) -> None:
        self.number = 0
        """The number of the input that has asked for it."""
        self.response_id = ""
        """The provider's name for it, from its begin on."""
        self.words = ""
        """All that the model has said in it."""
        self.usage = RequestUsage()
        self.over = False
        """Nothing more of it will come."""
        self._sound_bytes = 0
        self._received = 0
        """How many pieces have come."""
        self._model_name = model_name
        self._rate = rate
        self._on_sound = on_sound
        self._on_cut = on_cut
        self._sound: Sound | None = None
        self._worded: set[str | None] = set()
        """The items whose words came in pieces: their complete text, which follows, is nothing new."""
        self._error: RealtimeSessionErrorEvent | None = None
        self._pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue()  # as long as the answer, which has a limit

    @property
    def begun(self) -> bool:
        """Something of it has come."""
        return bool(self.words) or self._sound is not None

    @property
    def endless(self) -> bool:
        """More has come than anybody listens to."""
        long = self._sound_bytes > 2 * self._rate * MAX_SOUND_S or len(self.words) > MAX_CHARS
        return long or self._received > MAX_PIECES

    def receive(self, event: RealtimeCodecEvent | ResponseEnded) -> None:
        """The provider has sent this for it."""
        if self.over:
            return
        self._received += 1
        match event:
            case AudioDelta():
                self._sound_bytes += len(event.data)
                self._sound_of(event.item_id).add(event.data)
                self._pieces.put_nowait("")
            case OutputTranscript():
                self._write(event)
            case ToolCall():
                self._pieces.put_nowait(event)
            case SessionUsage(response_scoped=True):
                self.usage += event.usage
            case RealtimeSessionErrorEvent():
                self._error = event
            case ResponseEnded():
                self._end(event)

    def fail(self, failure: Exception) -> None:
        """Nothing more will come."""
        self.close(lost=True)
        self._pieces.put_nowait(failure)

    def refuse(self, failure: Exception) -> None:
        """The provider does not take what asked for it, unless nobody waits for it any more."""
        if not self.over:
            self.fail(failure)

    def close(self, lost: bool = False) -> None:
        """Take no more of it; idempotent. `lost`: the provider has not said all of it."""
        self.over = True
        if self._sound is not None:
            self._sound.end(lost)

    async def pieces(self) -> AsyncIterator[Piece]:
        """What comes, until its end. Raises ModelAPIError when the provider fails."""
        while True:
            piece = await self._pieces.get()
            if isinstance(piece, Exception):
                raise piece
            yield piece
            if isinstance(piece, ResponseEnded):
                return

    def _write(self, event: OutputTranscript) -> None:
        if event.is_final and event.item_id in self._worded:
            return
        if not event.is_final:
            self._worded.add(event.item_id)
        if event.output_text:
            self.words += event.text
            self._pieces.put_nowait(Written(event.text))
            return
        before, sound = self._sound, self._sound_of(event.item_id)
        sound.add_words(event.text)
        text = event.text if sound is before or not self.words else f" {event.text}"
        self.words += text
        self._pieces.put_nowait(text)

    def _sound_of(self, item: str | None) -> Sound:
        if self._sound is None or self._sound.item != (item or ""):
            if self._sound is not None:
                self._sound.end()
            self._sound = Sound(self._rate, item or "", self._on_cut)
            self._on_sound(self._sound)
        return self._sound

    def _end(self, event: ResponseEnded) -> None:
        error = self._error
        failed = event.status in ("failed", "lost", "cancelled") or (error is not None and not self.begun)
        if self._sound is not None and not (failed or self.words):
            self._write(OutputTranscript(WORDLESS, item_id=self._sound.item))
        self.close(lost=failed)
        self._pieces.put_nowait(failure_of(self._model_name, error) if failed else event)


def failure_of(model_name: str, error: RealtimeSessionErrorEvent | None) -> ModelAPIError:
    """What a provider's error means, by its code."""
    code = error.code if error is not None and error.code else "unknown"
    kinds = {"rate_limit_exceeded": ModelRateLimitError, "insufficient_quota": ModelQuotaExceededError}
    return kinds.get(code, ModelServerError)(model_name, f"The provider gave no answer ({code}).")
