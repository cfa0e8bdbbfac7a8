"""Speech-to-text over Wyoming: by a worker on a Unix socket, or by any Wyoming server at `tcp://host:port`."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Info

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.speech.detection import LAST_LANGUAGE, POSSIBLE_LANGUAGES
from server.speech.following import FOLLOWER, Follower, tell, trace_of
from server.speech.languages import lookup
from server.speech.protocols import ANYBODY, Asker
from server.speech.settled import Settled, may_end
from server.speech.wyoming_client import LOST, RETRY_S, TRIES, Address, InfoRequest, next_event, packed, queueing

STAGE = "speech-to-text"

KEEP_S = 30
"""How many seconds of a piece of an utterance are kept, to be sent again if needed. This is Whisper's window, and few
callers speak for so long without a break."""

_SECOND = 2 * HEARD_RATE
_BATCH_BYTES = _SECOND * 60 // 1000
"""60 ms of sound go into one event. This costs a third of single frames at both ends, and delays partial words only."""
_RESUME_BYTES = _SECOND * 200 // 1000
"""How much sound after a transcript starts a new attempt: 200 ms. Less than this belongs to the pause, so a new attempt
waits until the call asks for a transcript."""

log = logging.getLogger(__name__)


class WyomingSpeechToText:
    """A SpeechToText that asks a Wyoming server. `uri` is unix:///path or tcp://host:port."""

    def __init__(
        self,
        uri: str,
        *,
        model: str | None = None,
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        deadline_s: float = 8.0,
    ) -> None:
        """`model` is the name that the server gets. If `languages` are given, `learn` does not ask the server for them.

        Deadlines: `connect_s` is long enough for a local worker to be replaced. `deadline_s` is from the request for a
        transcript to its arrival; no caller waits that long for an answer.
        """
        self._address = Address(uri, connect_s, STAGE)
        self._model, self._deadline_s = model, deadline_s
        self._open: set[WyomingSpeechStream] = set()
        self._info_request = InfoRequest(self._address, self._take)
        self.languages = languages

    @property
    def utterances(self) -> int:
        """How many utterances are open."""
        return len(self._open)

    async def learn(self) -> None:
        """Ask the server which languages it understands. Until it answers, a call can choose none of them."""
        if not self.languages:
            await self._info_request.ask()

    def _take(self, info: Info) -> None:
        models = [model for program in info.asr for model in program.models if model.installed]
        chosen = [model for model in models if self._model in (None, model.name)]
        self.languages = tuple(dict.fromkeys(tag for model in chosen for tag in model.languages))

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "WyomingSpeechStream":
        """Begin an utterance, and begin to connect at once. Needs a running event loop."""
        asked = Transcribe(name=self._model, transcript_terms=list(phrases) or None)
        context = queueing(asker, self._address)
        if others:
            context |= {LAST_LANGUAGE: language, POSSIBLE_LANGUAGES: list(others)}
        else:
            asked.language = (lookup(language, self.languages) or language) or None
        asked.context = context or None
        opening = packed(asked) + packed(AudioStart(HEARD_RATE, 2, 1))
        stream = WyomingSpeechStream(self._address, opening, on_partial, self._deadline_s, self._open.discard)
        self._open.add(stream)
        return stream

    async def close(self) -> None:
        await self._info_request.close()
        for stream in list(self._open):
            await stream.close()


class WyomingSpeechStream:
    """One utterance. It keeps the sound, and sends it again when the caller goes on after a transcript or when the
    server dies. Only what a long utterance has settled is not sent again.

    After KEEP_S seconds without a pause, more sound is ignored: the transcript covers what came before.
    """

    def __init__(
        self,
        address: "Address",
        opening: bytes,
        on_partial: Callable[[str], None],
        deadline_s: float,
        on_close: Callable[["WyomingSpeechStream"], None],
    ) -> None:
        self._address, self._opening = address, opening
        self._on_partial, self._partial = on_partial, ""
        self._deadline_s = deadline_s
        self._on_close = on_close
        self.language = ""
        self._settled = Settled()
        self._heard = bytearray()
        """The sound since the last piece that is settled."""
        self._pause_bytes = 0
        """How long the caller paused after the newest transcript."""
        self._closed = False
        self._attempts: set[_Attempt] = set()
        self._attempt = self._begin()

    def feed(self, pcm: bytes) -> None:
        if self._closed or len(self._heard) + len(pcm) > KEEP_S * _SECOND:
            return
        if self._attempt.stopped_at == len(self._heard):
            self._pause_bytes = len(pcm)  # the first sound after a transcript is the pause, and the voice that ends it
        self._heard += pcm
        if self._attempt.stopped_at is None:
            self._attempt.send(_BATCH_BYTES)
        elif len(self._heard) - self._attempt.stopped_at >= _RESUME_BYTES:
            self._settle()
            self._attempt = self._begin()

    def _settle(self) -> None:
        """The caller goes on after a transcript. If that was a long piece, begin another one."""
        end, text = self._attempt.stopped_at, self._attempt.text
        if end is not None and text is not None and may_end(end, self._pause_bytes):
            self._settled = Settled(self._settled.and_then(text))
            self._heard = self._heard[end:]

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(STAGE, "The utterance is closed.")
        if not self._heard:
            return self._settled.text
        if self._attempt.stopped_at not in (None, len(self._heard)) or self._attempt.failed:
            self._attempt = self._begin()
        attempt, settled = self._attempt, self._settled
        attempt.waiting += 1
        try:
            attempt.stop(FOLLOWER.get() if self._address.local else None)
            await asyncio.wait({attempt.task}, timeout=self._deadline_s)
            return settled.and_then(self._result(attempt))
        finally:
            attempt.waiting -= 1
            self._prune()

    def _result(self, attempt: "_Attempt") -> str:
        if not attempt.task.done():
            raise EngineError(STAGE, f"The speech-to-text server gave no transcript within {self._deadline_s:g} s.")
        if attempt.task.cancelled():
            raise EngineError(STAGE, "The utterance was closed before its transcript came.")
        text = attempt.task.result()
        self.language = attempt.language
        return text

    async def close(self) -> None:
        self._closed = True
        self._on_close(self)
        tasks = {attempt.task for attempt in self._attempts}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self) -> "_Attempt":
        attempt = _Attempt(self._address, self._opening, self._heard, self._report)
        attempt.task.add_done_callback(lambda _: self._attempts.discard(attempt))
        self._attempts.add(attempt)
        self._attempt = attempt
        self._prune()
        return attempt

    def _prune(self) -> None:
        """Cancel the older attempts that no `transcript` call waits for: more speech has made them useless."""
        for attempt in self._attempts:
            if attempt is not self._attempt and not attempt.waiting:
                attempt.task.cancel()

    def _report(self, attempt: "_Attempt", text: str) -> None:
        # A new attempt repeats old words until it has caught up.
        whole = self._settled.and_then(text)
        if attempt is self._attempt and not self._partial.startswith(whole):
            self._partial = whole
            self._on_partial(whole)


class _Attempt:
    """One attempt at a transcript: sends `heard` while it grows and reads the answer. The result of `task` is the
    transcript."""

    def __init__(
        self, address: "Address", opening: bytes, heard: bytearray, report: Callable[["_Attempt", str], None]
    ) -> None:
        self._address, self._opening, self._heard, self._report = address, opening, heard, report
        self._writer: asyncio.StreamWriter | None = None
        self._sent = 0
        self.stopped_at: int | None = None
        """How many bytes of `heard` this attempt covers; None while it still takes more."""
        self.language = ""
        """The language of the transcript, if the server tells it."""
        self.waiting = 0
        """How many calls of `transcript` wait for this attempt."""
        self._follower: Follower | None = None
        """Who follows the first of them."""
        self.task = asyncio.create_task(self._run(), name="wyoming transcription")
        # Look at the exception here, so that asyncio does not report it when no `transcript` call raises it.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    @property
    def text(self) -> str | None:
        """The transcript; None when there is none yet, or when the attempt has failed."""
        return self.task.result() if self.task.done() and not self.failed else None

    def send(self, at_least: int = 1) -> None:
        """Send the sound that was not sent yet, if it is at least `at_least` bytes.

        Never waits: the transport keeps what the server has not taken yet, at most the whole utterance.
        """
        end = len(self._heard) if self.stopped_at is None else self.stopped_at
        while self._writer is not None and end - self._sent >= at_least:
            piece = bytes(self._heard[self._sent : min(end, self._sent + _SECOND)])
            self._sent += len(piece)
            self._writer.write(packed(AudioChunk(HEARD_RATE, 2, 1, piece)))

    def stop(self, follower: Follower | None) -> None:
        """Tell the server that no more sound will come; idempotent."""
        if self.stopped_at is None:
            self.stopped_at, self._follower = len(self._heard), follower
            self._flush()

    def _flush(self) -> None:
        self.send()
        if self._writer is not None and self.stopped_at is not None:
            self._writer.write(packed(AudioStop(), trace_of(self._follower)))

    async def _run(self) -> str:
        for tries in range(1, TRIES + 1):
            try:
                return await self._ask()
            except LOST as exc:
                if tries == TRIES:
                    raise EngineError(STAGE, "The speech-to-text server hung up.") from exc
                log.warning("the connection to speech-to-text is lost, trying again: %s", type(exc).__name__)
                await asyncio.sleep(RETRY_S)
        raise AssertionError("because the last try returns or raises")

    async def _ask(self) -> str:
        """Ask for the transcript on a connection of its own."""
        reader, writer = await self._address.connect()
        try:
            self._writer, self._sent = writer, 0
            writer.write(self._opening)
            self._flush()
            return await self._read(reader)
        finally:
            self._writer = None
            writer.transport.abort()  # whatever is still in transit does not matter

    async def _read(self, reader: asyncio.StreamReader) -> str:
        partial = ""
        while True:
            event = await next_event(reader, STAGE)
            if Transcript.is_type(event.type):
                transcript = Transcript.from_event(event)
                self.language = transcript.language or ""
                tell(self._follower, event.data)
                return transcript.text.strip()
            if TranscriptStart.is_type(event.type):
                partial = ""
            elif TranscriptChunk.is_type(event.type):
                partial += TranscriptChunk.from_event(event).text
                self._report(self, partial)
