"""The two kinds of job that a worker does: recognise one utterance, synthesise one text.

The worker's event loop feeds a job, and the engine's thread takes its steps. Only deques are shared between the two,
because their `append` and `popleft` are atomic. A job calls `emit` on the engine's thread; `emit` passes the result on
to the loop.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from server.media.frame import HEARD_RATE
from server.speech.engine import (
    BatchingEngine,
    DraftingRecognition,
    Recognition,
    SpeechToTextEngine,
    TextToSpeechEngine,
)
from server.speech.engine_thread import IDLE, Job

SLICE_BYTES = 2 * HEARD_RATE // 10
"""100 ms of sound for one step. An engine decodes it in a few ms, so other calls wait only that long for their partial
words."""

MAX_UTTERANCE_BYTES = 2 * HEARD_RATE * 120
"""The longest utterance. A client that sends more than two minutes without a stop is not having a conversation."""

MAX_TEXT = 5_000
"""The longest text, in characters: five minutes of speech, ten times the longest thing that an agent should say."""

CHUNKS_AHEAD = 16
"""How many chunks of sound may wait for the client. The client reads at its own pace; when this many chunks wait, the
engine serves other calls."""


class Partial(str):
    """The words so far."""


@dataclass(frozen=True, slots=True)
class Final:
    """All words of the utterance, and their language, if the engine has found out."""

    text: str
    language: str = ""
    together: int = 1
    """How many utterances were finished in the same go."""


class Failure(str):
    """Why the job failed, in a sentence that repeats nothing that people said. The job is over."""


class Done:
    """All chunks of a text were emitted."""


class RecognitionJob:
    """Recognises one utterance. It is most urgent when the client waits for the final words, and least urgent when
    only a draft is due."""

    def __init__(
        self,
        engine: SpeechToTextEngine,
        phrases: Sequence[str],
        language: str,
        emit: Callable[[Partial | Final | Failure], None],
        others: Sequence[str] = (),
    ) -> None:
        """`language` and `others` are for the engine's `start`."""
        self._engine = engine
        self._phrases = phrases
        self._language = language
        self._others = others
        self._emit = emit
        self._recognition: Recognition | None = None
        self._slices: deque[bytes] = deque()
        self._bytes = 0
        self._stopped = self._over = self._draft_due = False
        self._final_urgency = 0

    def feed(self, pcm: bytes) -> None:
        """Raises ValueError when the utterance gets too long or `pcm` ends inside a sample."""
        self._bytes += len(pcm)
        if self._bytes > MAX_UTTERANCE_BYTES:
            raise ValueError("an utterance is longer than two minutes")
        if len(pcm) % 2:
            raise ValueError("a chunk ends inside a sample")
        self._slices.extend(pcm[at : at + SLICE_BYTES] for at in range(0, len(pcm), SLICE_BYTES))

    def stop(self, can_wait: bool = False) -> None:
        """No more sound will come: the client wants the words.

        `can_wait`: they are no more than a draft, so the engine does everything else first.
        """
        self._final_urgency = IDLE if can_wait else 0
        self._stopped = True

    def urgency(self) -> int | None:
        if self._over:
            return None
        if self._stopped:
            return self._final_urgency
        if self._slices or self._recognition is None:
            return 1
        return 2 if self._draft_due else None

    def step(self, others: Sequence[Job]) -> None:
        together = self._with(others)
        try:
            if len(together) > 1:
                self._finish(together)
            else:
                self._step()
        except Exception as exc:
            for job in together:
                job._over = True
                job._emit(Failure(f"the engine {self._engine.name} failed: {type(exc).__name__}"))
            raise

    def _with(self, others: Sequence[Job]) -> list["RecognitionJob"]:
        """This job, and others whose clients want the words as well, as many as the engine takes at once."""
        if not isinstance(self._engine, BatchingEngine) or not self._stopped:
            return [self]
        due = [job for job in others if isinstance(job, RecognitionJob) and job._stopped]
        return [self, *due][: self._engine.batch]

    def _finish(self, together: Sequence["RecognitionJob"]) -> None:
        assert isinstance(self._engine, BatchingEngine), "because only such an engine gets several"
        recognitions = [job._heard_all() for job in together]
        texts = self._engine.finish_together(recognitions)
        for job, recognition, text in zip(together, recognitions, texts, strict=True):
            job._over = True
            job._emit(Final(text, recognition.language, len(together)))

    def _heard_all(self) -> Recognition:
        """The recognition, after it got the sound that still waited: all of it, if it came at once, as from a file."""
        if self._recognition is None:
            self._recognition = self._engine.start(self._phrases, self._language, self._others)
        while self._slices:
            self._recognition.feed(self._next_slice())
        return self._recognition

    def _step(self) -> None:
        if self._recognition is None:
            self._recognition = self._engine.start(self._phrases, self._language, self._others)
        elif self._slices:
            self._report(self._recognition.feed(self._next_slice()))
            self._draft_due = isinstance(self._recognition, DraftingRecognition)
        elif self._stopped:
            self._over = True
            text = self._recognition.finish()
            self._emit(Final(text, self._recognition.language))
        elif isinstance(self._recognition, DraftingRecognition):
            self._draft_due = False
            self._report(self._recognition.draft())

    def _next_slice(self) -> bytes:
        """About SLICE_BYTES of sound. Small chunks are joined, because each call of an engine has a fixed cost."""
        taken = bytearray(self._slices.popleft())
        while self._slices and len(taken) < SLICE_BYTES:
            taken += self._slices.popleft()
        return bytes(taken)

    def _report(self, text: str | None) -> None:
        if text is not None and not self._stopped:
            self._emit(Partial(text))

    def discard(self) -> None:
        self._over = True
        if self._recognition is not None:
            self._recognition.discard()


class SynthesisJob:
    """Synthesises one text. It is urgent until its first chunk is out, if the caller waits for it in silence; after
    that all texts take turns, chunk by chunk."""

    def __init__(
        self,
        engine: TextToSpeechEngine,
        text: str,
        voice: str,
        emit: Callable[[bytes | Done | Failure], None],
        has_sound: bool = False,
    ) -> None:
        """`has_sound`: the caller still has sound to hear, so the first chunk is no more urgent than the others.

        Raises ValueError when the text is longer than MAX_TEXT.
        """
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text is longer than {MAX_TEXT} characters")
        self._engine = engine
        self._text = text
        self._voice = voice
        self._emit = emit
        self._chunks: Iterator[bytes] | None = None
        self._chunk_bytes = 2 * engine.rate // 5  # 200 ms: small enough for the client's loop to read at once
        self._made = self._taken = 0
        self._over = False
        self._has_sound = has_sound

    def taken(self) -> None:
        """The client took one chunk, so there is room for another."""
        self._taken += 1

    def urgency(self) -> int | None:
        if self._over or self._made - self._taken >= CHUNKS_AHEAD:
            return None
        return 1 if self._made or self._has_sound else 0

    def step(self, others: Sequence[Job]) -> None:
        try:
            if self._chunks is None:
                self._chunks = self._small_chunks()
            self._next()
        except Exception as exc:
            self._over = True
            self._emit(Failure(f"the engine {self._engine.name} failed: {type(exc).__name__}"))
            raise

    def _next(self) -> None:
        assert self._chunks is not None, "because step makes it"
        chunk = next(self._chunks, None)
        if chunk == b"":  # the engine has done a piece of work for its next chunk
            return
        self._made += 1
        self._over = chunk is None
        self._emit(Done() if chunk is None else chunk)

    def _small_chunks(self) -> Iterator[bytes]:
        for chunk in self._engine.synthesize(self._text, self._voice):
            for at in range(0, len(chunk) or 1, self._chunk_bytes):
                yield chunk[at : at + self._chunk_bytes]

    def discard(self) -> None:
        self._over = True
        self._chunks = None
