"""Serves one engine over the Wyoming protocol on a Unix socket.

A connection carries utterances or texts one after the other. Partial words are standard events: TranscriptStart clears
the words so far, and TranscriptChunk adds to them, so a client joins the chunks since the last start. TranscriptStop
and Transcript end the utterance. A Ping is not answered while the engine hangs.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from server.media.frame import HEARD_RATE
from server.speech.detection import LAST_LANGUAGE, POSSIBLE_LANGUAGES
from server.speech.engine_thread import EngineThread
from server.speech.following import SERVED, TRACEPARENT, Timekeeper
from server.speech.jobs import Done, Failure, Final, Partial, RecognitionJob, SynthesisJob
from server.speech.languages import lookup
from server.speech.protocols import CALL, HAS_SOUND

log = logging.getLogger(__name__)

HANG_S = 30.0
"""How long a step may take before the engine counts as hanging. The slowest real step, half a minute of speech in a
large model, takes less."""

MAX_CONNECTIONS = 256
"""How many clients may be connected. With more of them the answers come so late that a refusal is better."""


class ClientHandler:
    """Serves one client: reads its events, gives the jobs to the engine, sends back the results."""

    def __init__(self, engine: Any, thread: EngineThread, writer: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._thread = thread
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[Event] = asyncio.Queue()  # short: one job emits only a little ahead of the client
        self._job: RecognitionJob | SynthesisJob | None = None
        self._phrases: Sequence[str] = ()
        self._language = ""
        self._others: Sequence[str] = ()
        self._call = ""
        """The id of the call whose utterance it is; "" for a client that does not say."""
        self._partial: str | None = None
        self._generation = 0
        self._converter = AudioChunkConverter(rate=HEARD_RATE, width=2, channels=1)

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serve until the client leaves, and drop its unfinished job then."""
        sender = asyncio.create_task(self._send(), name="worker sender")
        try:
            while (event := await async_read_event(reader)) is not None:
                self._handle(event)
        finally:
            self._drop()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _handle(self, event: Event) -> None:
        try:
            if AudioChunk.is_type(event.type):
                self._hear(AudioChunk.from_event(event))
            elif Ping.is_type(event.type):
                if self._thread.busy_s() < HANG_S:
                    self._put(Pong(Ping.from_event(event).text))
            elif Describe.is_type(event.type):
                self._put(_info(self._engine))
            elif hasattr(self._engine, "synthesize"):
                self._handle_text(event)
            else:
                self._handle_utterance(event)
        except (KeyError, TypeError, ValueError) as exc:
            self._drop()
            self._put(Error(f"not a valid {event.type}: {exc}", "bad-request"))

    def _handle_utterance(self, event: Event) -> None:
        if Transcribe.is_type(event.type):
            asked = Transcribe.from_event(event)
            self._phrases = [*(asked.transcript_names or ()), *(asked.transcript_terms or ())]
            context = asked.context or {}
            tag = asked.language or context.get(LAST_LANGUAGE)
            self._language = self._known(tag) if tag else ""
            self._others = self._possible(context.get(POSSIBLE_LANGUAGES, ()))
            self._call = str(context.get(CALL, ""))
        elif AudioStart.is_type(event.type):
            self._begin_utterance()
        elif AudioStop.is_type(event.type) and isinstance(self._job, RecognitionJob):
            self._job.times = self._timekeeper(event.data)
            self._job.stop()
            self._thread.wake()

    def _begin_utterance(self) -> RecognitionJob:
        self._drop()
        self._partial = None
        emit = self._on_loop(self._on_recognised)
        job = RecognitionJob(self._engine, self._phrases, self._language, emit, self._others)
        self._start(job)
        return job

    def _hear(self, chunk: AudioChunk) -> None:
        job = self._job if isinstance(self._job, RecognitionJob) else self._begin_utterance()
        job.feed(self._converter.convert(chunk).audio)
        self._thread.wake()

    def _handle_text(self, event: Event) -> None:
        if not Synthesize.is_type(event.type):
            return
        asked = Synthesize.from_event(event)
        voice = (asked.voice.name or "") if asked.voice else ""
        if asked.voice and asked.voice.language:
            voice = self._known(asked.voice.language)
        self._drop()
        context = asked.context or {}
        self._call, has_sound = str(context.get(CALL, "")), bool(context.get(HAS_SOUND))
        job = SynthesisJob(self._engine, asked.text, voice, self._on_loop(self._on_synthesised), has_sound)
        job.times = self._timekeeper(context)
        self._start(job)
        self._put(AudioStart(self._engine.rate, 2, 1))

    def _timekeeper(self, request: Mapping[str, Any]) -> Timekeeper | None:
        """Measures how a request is served, if it belongs to a trace."""
        traceparent = request.get(TRACEPARENT)
        return Timekeeper(str(traceparent), self._engine.name) if traceparent else None

    def _known(self, language: str) -> str:
        """The engine's own tag for `language`. Raises ValueError when the engine does not know the language."""
        tag = lookup(language, self._engine.languages)
        if tag is None:
            raise ValueError(f"the engine {self._engine.name} does not know the language")
        return tag

    def _possible(self, languages: Sequence[str]) -> Sequence[str]:
        """The engine's own tags for those of the languages that it knows."""
        found = (lookup(language, self._engine.languages) for language in languages)
        return [tag for tag in found if tag is not None]

    def _start(self, job: RecognitionJob | SynthesisJob) -> None:
        self._job = job
        if not self._thread.add(job, self._call):
            self._put(Error("the call has too many requests", "busy"))

    def _on_loop(self, receive: Callable[[Any], None]) -> Callable[[Any], None]:
        """Make an `emit` for a job: it passes each result from the engine's thread to `receive` on the loop.

        Results that a job emits after it was dropped are ignored.
        """
        generation = self._generation

        def receive_current(result: Any) -> None:
            if generation == self._generation:
                receive(result)

        def emit(result: Any) -> None:
            self._loop.call_soon_threadsafe(receive_current, result)

        return emit

    def _drop(self) -> None:
        self._generation += 1
        if self._job is not None:
            self._thread.drop(self._job)
            self._job = None

    def _on_recognised(self, result: Partial | Final | Failure) -> None:
        if isinstance(result, Failure):
            self._put(Error(result, "engine"))
        elif isinstance(result, Final):
            if self._partial is not None:
                self._put(TranscriptStop())
            self._put_last(Transcript(result.text, language=result.language or None))
        else:
            self._put_partial(result)

    def _put_partial(self, text: str) -> None:
        shown = self._partial
        self._partial = text
        if shown is None or not text.startswith(shown):
            self._put(TranscriptStart())
            shown = ""
        self._put(TranscriptChunk(text[len(shown) :]))

    def _on_synthesised(self, result: bytes | Done | Failure) -> None:
        if isinstance(result, Failure):
            self._put(Error(result, "engine"))
        elif isinstance(result, Done):
            self._put_last(AudioStop())
        else:
            self._put(AudioChunk(self._engine.rate, 2, 1, result))

    def _put_last(self, answer: Eventable) -> None:
        """The end of an answer, with its times if they were measured."""
        event = answer.event()
        if self._job is not None and self._job.times is not None:
            event.data[SERVED] = self._job.times.served
        self._out.put_nowait(event)

    def _put(self, event: Eventable) -> None:
        self._out.put_nowait(event.event())

    async def _send(self) -> None:
        while True:
            event = await self._out.get()
            await async_write_event(event, self._writer)
            if AudioChunk.is_type(event.type) and isinstance(self._job, SynthesisJob):
                self._job.taken()
                self._thread.wake()


def _info(engine: Any) -> Info:
    """What the engine is, for clients that ask.

    A text-to-speech engine has one voice for each language, with the language's tag as its name. Each of its speakers
    is another voice, which speaks all of its languages.
    """
    made: dict[str, Any] = {"attribution": Attribution("Antiphon", ""), "installed": True}
    made |= {"description": None, "version": None}
    if hasattr(engine, "synthesize"):
        named = [(tag, [tag]) for tag in engine.languages]
        named += [(speaker, list(engine.languages)) for speaker in getattr(engine, "speakers", ())]
        voices = [TtsVoice(name=name, languages=spoken, speakers=None, **made) for name, spoken in named]
        return Info(tts=[TtsProgram(name=engine.name, voices=voices, **made)])
    model = AsrModel(name="default", languages=list(engine.languages), **made)
    return Info(asr=[AsrProgram(name=engine.name, models=[model], supports_transcript_streaming=True, **made)])


async def serve(engine: Any, path: Path, end: asyncio.Event, say: Callable[[str], None]) -> None:
    """Host `engine` on the socket `path` until `end` is set. Calls `say("ready")` when the socket listens."""
    thread = EngineThread(f"engine {engine.name}")
    clients: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[writer] = gone = asyncio.Event()
        try:
            if len(clients) > MAX_CONNECTIONS:
                await async_write_event(Error("the worker has too many clients", "busy").event(), writer)
                return
            await ClientHandler(engine, thread, writer).run(reader)
        except (OSError, EOFError, AttributeError, KeyError, TypeError) as exc:  # it left, or does not speak Wyoming
            log.debug("a client left before its job was done: %s", type(exc).__name__)
        finally:
            del clients[writer]
            writer.close()
            gone.set()

    server = await asyncio.start_unix_server(client, path)
    try:
        say("ready")
        await end.wait()
    finally:
        server.close()
        while clients:
            writer, gone = next(iter(clients.items()))
            writer.transport.abort()  # do not cancel its task: asyncio's streams in Python 3.11 report that as a bug
            await gone.wait()
        thread.close()
        os.unlink(path)  # asyncio does not remove it
