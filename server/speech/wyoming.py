"""Speech engines over Wyoming: the worker on a Unix socket, or any Wyoming server by `tcp://host:port`.

One connection serves one attempt at one utterance, because many servers hang up after a transcript; a local connection
costs less than a millisecond and is made when the utterance begins, so none are kept.
Source: https://github.com/OHF-Voice/wyoming.
"""

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from urllib.parse import urlsplit

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, write_event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import ConfigError, EngineError
from server.media.frame import HEARD_RATE
from server.speech.languages import Voice, choose_voice, lookup
from server.speech.protocols import Pcm

_log = logging.getLogger(__name__)

_STT, _TTS = "speech-to-text", "text-to-speech"

KEEP_S = 30
"""How much of an utterance is kept to be sent again; it is the window of Whisper, and a long time to speak alone."""

_SECOND = 2 * HEARD_RATE
_BATCH_BYTES = _SECOND * 60 // 1000
"""60 ms of sound to an event: a third of the cost at both ends, and only partial words come later for it."""
_ANEW_BYTES = _SECOND * 200 // 1000
"""Less than this after a transcript is the pause itself, so it does not begin anew until somebody asks."""

_LIVES = 3
"""Connections for one question: a worker may die, and a dying one may still accept the second. No more, because what
kills two workers kills the third."""
_RETRY_S = 0.05
DESCRIBE_S = 3.0
"""A server describes itself in milliseconds; one that is down or does not know the question is not waited for."""
_LOST = (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError)
"""What reading from a server raises when it goes away or does not speak Wyoming."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WyomingSpeechToText:
    """Speech-to-text by a Wyoming server. `uri` is unix:///path or tcp://host:port."""

    def __init__(
        self,
        uri: str,
        *,
        model: str | None = None,
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        deadline_s: float = 8.0,
    ) -> None:
        """`model` is handed to the server; `languages` are known to `learn` without asking it. Deadlines: `connect_s`
        covers a local worker that is being replaced; `deadline_s`, from asking to the transcript, is longer than
        anybody waits for an answer."""
        self._address = _Address(uri, connect_s, _STT)
        self._model, self._deadline_s = model, deadline_s
        self._open: set[WyomingTranscription] = set()
        self.languages = languages

    async def learn(self) -> None:
        """Ask the server which languages it hears; one that cannot be asked hears none that a call can choose."""
        if not self.languages and (info := await _describe(self._address)) is not None:
            models = [model for program in info.asr for model in program.models if model.installed]
            chosen = [model for model in models if self._model in (None, model.name)]
            self.languages = tuple(dict.fromkeys(tag for model in chosen for tag in model.languages))

    def listen(
        self, phrases: Sequence[str], on_partial: Callable[[str], None], language: str = ""
    ) -> "WyomingTranscription":
        """Begin to connect at once; needs a running loop."""
        tag = (lookup(language, self.languages) or language) or None
        asked = Transcribe(name=self._model, language=tag, transcript_terms=list(phrases) or None)
        opening = _packed(asked) + _packed(AudioStart(HEARD_RATE, 2, 1))
        transcription = WyomingTranscription(self._address, opening, on_partial, self._deadline_s, self._open.discard)
        self._open.add(transcription)
        return transcription

    async def close(self) -> None:
        for transcription in list(self._open):
            await transcription.close()


class WyomingTranscription:
    """One utterance. It keeps what it heard, to begin anew when more is said after a transcript or when the server
    dies. Beyond KEEP_S nothing more is heard: the transcript covers what came before."""

    def __init__(
        self,
        address: "_Address",
        opening: bytes,
        on_partial: Callable[[str], None],
        deadline_s: float,
        on_close: Callable[["WyomingTranscription"], None],
    ) -> None:
        self._address, self._opening = address, opening
        self._on_partial, self._partial = on_partial, ""
        self._deadline_s = deadline_s
        self._on_close = on_close
        self._heard = bytearray()
        self._closed = False
        self._attempts: set[_Attempt] = set()
        self._attempt = self._begin()

    def feed(self, pcm: bytes) -> None:
        if self._closed or len(self._heard) + len(pcm) > KEEP_S * _SECOND:
            return
        self._heard += pcm
        if self._attempt.stopped_at is None:
            self._attempt.send(_BATCH_BYTES)
        elif len(self._heard) - self._attempt.stopped_at >= _ANEW_BYTES:
            self._attempt = self._begin()

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(_STT, "The utterance is closed.")
        if not self._heard:
            return ""
        if self._attempt.stopped_at not in (None, len(self._heard)) or self._attempt.failed:
            self._attempt = self._begin()
        attempt = self._attempt
        attempt.waiting += 1
        try:
            attempt.stop()
            await asyncio.wait({attempt.task}, timeout=self._deadline_s)
            return self._result(attempt)
        finally:
            attempt.waiting -= 1
            self._prune()

    def _result(self, attempt: "_Attempt") -> str:
        if not attempt.task.done():
            raise EngineError(_STT, f"The speech-to-text server gave no transcript within {self._deadline_s:g} s.")
        if attempt.task.cancelled():
            raise EngineError(_STT, "The utterance was closed before its transcript came.")
        return attempt.task.result()

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
        """Give up the attempts that more speech has overtaken and that nobody waits for."""
        for attempt in self._attempts:
            if attempt is not self._attempt and not attempt.waiting:
                attempt.task.cancel()

    def _report(self, attempt: "_Attempt", text: str) -> None:
        if attempt is self._attempt and not self._partial.startswith(text):  # while it catches up it says old words
            self._partial = text
            self._on_partial(text)


class _Attempt:
    """Sends `heard` as it grows and reads the answer; the task's result is the transcript."""

    def __init__(
        self, address: "_Address", opening: bytes, heard: bytearray, report: Callable[["_Attempt", str], None]
    ) -> None:
        self._address, self._opening, self._heard, self._report = address, opening, heard, report
        self._writer: asyncio.StreamWriter | None = None
        self._sent = 0
        self.stopped_at: int | None = None
        self.waiting = 0
        self.task = asyncio.create_task(self._run(), name="wyoming transcription")
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # raised by who asks, if any

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    def send(self, at_least: int = 1) -> None:
        """Never waits: the transport keeps what the server has not taken, at most the whole utterance."""
        end = len(self._heard) if self.stopped_at is None else self.stopped_at
        while self._writer is not None and end - self._sent >= at_least:
            piece = bytes(self._heard[self._sent : min(end, self._sent + _SECOND)])
            self._sent += len(piece)
            self._writer.write(_packed(AudioChunk(HEARD_RATE, 2, 1, piece)))

    def stop(self) -> None:
        """No more will come; idempotent."""
        if self.stopped_at is None:
            self.stopped_at = len(self._heard)
            self._flush()

    def _flush(self) -> None:
        self.send()
        if self._writer is not None and self.stopped_at is not None:
            self._writer.write(_packed(AudioStop()))

    async def _run(self) -> str:
        for life in range(1, _LIVES + 1):
            try:
                return await self._live()
            except _LOST as exc:
                if life == _LIVES:
                    raise EngineError(_STT, "The speech-to-text server hung up.") from exc
                _log.warning("speech-to-text connection lost, trying again: %s", type(exc).__name__)
                await asyncio.sleep(_RETRY_S)
        raise AssertionError("because the last life returns or raises")

    async def _live(self) -> str:
        reader, writer = await self._address.connect()
        try:
            self._writer, self._sent = writer, 0
            writer.write(self._opening)
            self._flush()
            return await self._read(reader)
        finally:
            self._writer = None
            writer.transport.abort()  # nothing that is still on its way matters

    async def _read(self, reader: asyncio.StreamReader) -> str:
        partial = ""
        while True:
            event = await _next_event(reader, _STT)
            if Transcript.is_type(event.type):
                return Transcript.from_event(event).text.strip()
            if TranscriptStart.is_type(event.type):
                partial = ""
            elif TranscriptChunk.is_type(event.type):
                partial += TranscriptChunk.from_event(event).text
                self._report(self, partial)


class WyomingTextToSpeech:
    """Text-to-speech by a Wyoming server. `uri` is unix:///path or tcp://host:port."""

    def __init__(
        self,
        uri: str,
        *,
        voice: str = "",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        silence_s: float = 8.0,
    ) -> None:
        """`voice` is used when neither voice nor language is asked for; `languages` are known to `learn` without
        asking. Deadlines: `connect_s` covers a local worker that is being replaced; `silence_s` is for each chunk, so
        a long text may take its time and a hanging server may not."""
        self._address = _Address(uri, connect_s, _TTS)
        self._voice, self._silence_s = voice, silence_s
        self._writers: set[asyncio.StreamWriter] = set()
        self._voices: list[Voice] = []
        self.languages = languages

    async def learn(self) -> None:
        """Ask the server which voices it has; one that cannot be asked speaks no language that a call can choose."""
        if (info := await _describe(self._address)) is None:
            return
        voices = [voice for program in info.tts for voice in program.voices if voice.installed]
        self._voices = [Voice(voice.name, tuple(voice.languages)) for voice in voices]
        self.languages = self.languages or tuple(dict.fromkeys(tag for voice in voices for tag in voice.languages))

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        """Asks again when the server dies before its first sound."""
        asked = _packed(Synthesize(text, self._wanted(voice, language)))
        for life in range(1, _LIVES + 1):
            spoken = False
            try:
                async with contextlib.aclosing(self._speak(asked)) as chunks:
                    async for pcm in chunks:
                        spoken = True
                        yield pcm
                return
            except _LOST as exc:
                if spoken or life == _LIVES:
                    raise EngineError(_TTS, "The text-to-speech server hung up.") from exc
                await asyncio.sleep(_RETRY_S)

    def _wanted(self, voice: str, language: str) -> SynthesizeVoice | None:
        """By name where there is one for the language: not every server looks for it by the language."""
        name = (choose_voice(language, voice, self._voices) or "") if language else voice or self._voice
        if name:
            return SynthesizeVoice(name=name)
        return SynthesizeVoice(language=lookup(language, self.languages) or language) if language else None

    async def _speak(self, asked: bytes) -> AsyncGenerator[Pcm, None]:
        reader, writer = await self._address.connect()
        self._writers.add(writer)
        converter = AudioChunkConverter(width=2, channels=1)
        try:
            writer.write(asked)
            while (chunk := await self._chunk(reader)) is not None:
                chunk = converter.convert(chunk)
                yield Pcm(chunk.rate, chunk.audio)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()  # the worker stops when its client is gone

    async def _chunk(self, reader: asyncio.StreamReader) -> AudioChunk | None:
        """The next chunk that has sound; None at the end."""
        try:
            async with asyncio.timeout(self._silence_s):
                while not AudioStop.is_type((event := await _next_event(reader, _TTS)).type):
                    if AudioChunk.is_type(event.type) and event.payload:
                        return AudioChunk.from_event(event)
                return None
        except TimeoutError as exc:
            raise EngineError(_TTS, f"The text-to-speech server was silent for {self._silence_s:g} s.") from exc

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


class _Address:
    """Where a server listens."""

    def __init__(self, uri: str, connect_s: float, stage: str) -> None:
        """Raises ConfigError for a URI that is none of ours."""
        self._connect_s, self.stage = connect_s, stage
        parts = urlsplit(uri)
        self._path = parts.path if parts.scheme == "unix" else ""
        try:
            self._host, self._port = parts.hostname or "", parts.port or 0
        except ValueError as exc:
            raise ConfigError(f"{uri!r} has no valid port") from exc
        if not self._path and not (parts.scheme == "tcp" and self._host and self._port):
            raise ConfigError(f"{uri!r} is neither unix:///path nor tcp://host:port")

    async def connect(self) -> Streams:
        """A worker that is being replaced is waited for. Raises EngineError when nobody is there in time."""
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connect()
        except OSError as exc:
            raise EngineError(self.stage, f"The {self.stage} server cannot be reached.") from exc

    async def _connect(self) -> Streams:
        while self._path:
            try:
                return await asyncio.open_unix_connection(self._path)
            except (ConnectionRefusedError, FileNotFoundError):
                await asyncio.sleep(_RETRY_S)
        return await asyncio.open_connection(self._host, self._port)


async def _describe(address: _Address) -> Info | None:
    """What the server says of itself; None when it says nothing in time."""
    try:
        async with asyncio.timeout(DESCRIBE_S):
            reader, writer = await address.connect()
            try:
                writer.write(_packed(Describe()))
                while not Info.is_type((event := await _next_event(reader, address.stage)).type):
                    pass
                return Info.from_event(event)
            finally:
                writer.transport.abort()
    except (*_LOST, EngineError) as exc:  # TimeoutError is an OSError
        _log.warning("%s server does not say which languages it knows: %s", address.stage, type(exc).__name__)
        return None


def _packed(event: Eventable) -> bytes:
    buffer = io.BytesIO()
    write_event(event.event(), buffer)
    return buffer.getvalue()


async def _next_event(reader: asyncio.StreamReader, stage: str) -> Event:
    """Raises EngineError when the server reports an error, EOFError at its end, and _LOST for what is not Wyoming."""
    event = await async_read_event(reader)
    if event is None:
        raise EOFError
    if Error.is_type(event.type):
        error = Error.from_event(event)
        _log.warning("%s server reports an error: %s", stage, error.text[:200])
        raise EngineError(stage, f"The {stage} server reports an error ({error.code or 'without a code'}).")
    return event
