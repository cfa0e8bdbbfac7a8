"""The two kinds of work that a worker does: hearing one utterance, speaking one text.

Each is fed on the worker's loop and stepped on the engine's thread; in between are only deques, whose `append` and
`popleft` are atomic. `emit` is called on the engine's thread and hands over.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

HEARD_RATE = 16_000
SLICE_BYTES = 2 * HEARD_RATE // 10
"""100 ms: an engine decodes it in a few ms, so a call waits that long for another one's partial words."""

MAX_UTTERANCE_BYTES = 2 * HEARD_RATE * 120
"""A client that sends more than two minutes without a stop is not having a conversation."""

MAX_TEXT = 5_000
"""Characters: five minutes of speech, ten times the longest thing that an agent should say."""

CHUNKS_AHEAD = 16
"""How many chunks may wait for the client: it reads as it needs, and the engine serves another call meanwhile."""


class Utterance(Protocol):
    """What a speech-to-text engine gives for one utterance: 16 kHz mono s16le in, words out."""

    def feed(self, pcm: bytes) -> str | None: ...
    def finish(self) -> str: ...
    def discard(self) -> None: ...


@runtime_checkable
class DraftingUtterance(Utterance, Protocol):
    """An utterance whose partial words cost a pass over everything heard: `draft` is called when nobody waits."""

    def draft(self) -> str | None: ...


class HearingEngine(Protocol):
    name: str
    languages: Sequence[str]
    """Tags (BCP 47) of what it hears."""

    def start(self, phrases: Sequence[str], language: str) -> Utterance:
        """`language` is one of `languages`, or "" for the engine's own way."""


class SpeakingEngine(Protocol):
    name: str
    rate: int
    languages: Sequence[str]
    """Tags (BCP 47) of what it speaks; each may be given as the voice."""

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]: ...


class Partial(str):
    """The words so far."""


class Final(str):
    """All the words."""


class Failure(str):
    """A sentence without anybody's words; the work is over."""


class Done:
    """All chunks of a text were emitted."""


class Hearing:
    """One utterance. Urgent when its final words are waited for; partial words when nobody waits."""

    def __init__(
        self,
        engine: HearingEngine,
        phrases: Sequence[str],
        language: str,
        emit: Callable[[Partial | Final | Failure], None],
    ) -> None:
        self._engine = engine
        self._phrases = phrases
        self._language = language
        self._emit = emit
        self._utterance: Utterance | None = None
        self._slices: deque[bytes] = deque()
        self._bytes = 0
        self._stopped = self._over = self._draft_due = False

    def feed(self, pcm: bytes) -> None:
        """Raises ValueError beyond the limit and for half a sample."""
        self._bytes += len(pcm)
        if self._bytes > MAX_UTTERANCE_BYTES:
            raise ValueError("an utterance is longer than two minutes")
        if len(pcm) % 2:
            raise ValueError("a chunk ends inside a sample")
        self._slices.extend(pcm[at : at + SLICE_BYTES] for at in range(0, len(pcm), SLICE_BYTES))

    def stop(self) -> None:
        self._stopped = True

    def urgency(self) -> int | None:
        if self._over:
            return None
        if self._stopped:
            return 0
        if self._slices or self._utterance is None:
            return 1
        return 2 if self._draft_due else None

    def step(self) -> None:
        try:
            self._step()
        except Exception as exc:
            self._over = True
            self._emit(Failure(f"the engine {self._engine.name} failed: {type(exc).__name__}"))
            raise

    def _step(self) -> None:
        if self._utterance is None:
            self._utterance = self._engine.start(self._phrases, self._language)
        elif self._slices:
            self._report(self._utterance.feed(self._take()))
            self._draft_due = isinstance(self._utterance, DraftingUtterance)
        elif self._stopped:
            self._over = True
            self._emit(Final(self._utterance.finish()))
        elif isinstance(self._utterance, DraftingUtterance):
            self._draft_due = False
            self._report(self._utterance.draft())

    def _take(self) -> bytes:
        """About a slice: small chunks are joined, because each call of an engine has a price."""
        taken = bytearray(self._slices.popleft())
        while self._slices and len(taken) < SLICE_BYTES:
            taken += self._slices.popleft()
        return bytes(taken)

    def _report(self, text: str | None) -> None:
        if text is not None and not self._stopped:
            self._emit(Partial(text))

    def discard(self) -> None:
        self._over = True
        if self._utterance is not None:
            self._utterance.discard()


class Speaking:
    """One text. Urgent until its first chunk is out; after that the chunks of all texts come in turn."""

    def __init__(
        self, engine: SpeakingEngine, text: str, voice: str, emit: Callable[[bytes | Done | Failure], None]
    ) -> None:
        """Raises ValueError for a text beyond the limit."""
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text is longer than {MAX_TEXT} characters")
        self._engine = engine
        self._text = text
        self._voice = voice
        self._emit = emit
        self._chunks: Iterator[bytes] | None = None
        self._chunk_bytes = 2 * engine.rate // 5  # 200 ms: what the client's loop takes at once stays small
        self._made = self._taken = 0
        self._over = False

    def taken(self) -> None:
        """The client has room for one chunk more."""
        self._taken += 1

    def urgency(self) -> int | None:
        if self._over or self._made - self._taken >= CHUNKS_AHEAD:
            return None
        return 1 if self._made else 0

    def step(self) -> None:
        try:
            if self._chunks is None:
                self._chunks = self._pieces()
            self._next()
        except Exception as exc:
            self._over = True
            self._emit(Failure(f"the engine {self._engine.name} failed: {type(exc).__name__}"))
            raise

    def _next(self) -> None:
        assert self._chunks is not None, "because step makes it"
        chunk = next(self._chunks, None)
        self._made += 1
        self._over = chunk is None
        self._emit(Done() if chunk is None else chunk)

    def _pieces(self) -> Iterator[bytes]:
        for chunk in self._engine.synthesize(self._text, self._voice):
            for at in range(0, len(chunk), self._chunk_bytes):
                yield chunk[at : at + self._chunk_bytes]

    def discard(self) -> None:
        self._over = True
        self._chunks = None
