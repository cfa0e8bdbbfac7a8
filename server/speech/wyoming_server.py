"""One engine served over the Wyoming protocol on a Unix socket.

A connection carries utterances or texts one after the other. Partial words are standard events: TranscriptStart begins
the words so far anew, a TranscriptChunk adds to them, so a client that joins the chunks since the last start has them;
TranscriptStop and Transcript end the utterance. Ping is not answered while the engine hangs.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from server.speech.engine_thread import EngineThread
from server.speech.languages import lookup
from server.speech.work import HEARD_RATE, Done, Failure, Final, Hearing, Partial, Speaking

_log = logging.getLogger(__name__)

HANG_S = 30.0
"""A step that lasts longer never ends: the slowest honest one, half a minute of speech in a large model, is below."""

MAX_CONNECTIONS = 256
"""Beyond it a worker is so late that to refuse is kinder."""


class Connection:
    """One client: reads its events, has the engine do the work, sends what comes."""

    def __init__(self, engine: Any, thread: EngineThread, writer: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._thread = thread
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[Event] = asyncio.Queue()  # bounded by what a work may have under way
        self._work: Hearing | Speaking | None = None
        self._phrases: Sequence[str] = ()
        self._language = ""
        self._partial: str | None = None
        self._generation = 0
        self._converter = AudioChunkConverter(rate=HEARD_RATE, width=2, channels=1)

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the client goes; what it had under way is dropped."""
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
            self._language = self._known(asked.language) if asked.language else ""
        elif AudioStart.is_type(event.type):
            self._begin_hearing()
        elif AudioStop.is_type(event.type) and isinstance(self._work, Hearing):
            self._work.stop()
            self._thread.wake()

    def _begin_hearing(self) -> Hearing:
        self._drop()
        self._partial = None
        work = Hearing(self._engine, self._phrases, self._language, self._handing_to(self._on_heard))
        self._start(work)
        return work

    def _hear(self, chunk: AudioChunk) -> None:
        work = self._work if isinstance(self._work, Hearing) else self._begin_hearing()
        work.feed(self._converter.convert(chunk).audio)
        self._thread.wake()

    def _handle_text(self, event: Event) -> None:
        if not Synthesize.is_type(event.type):
            return
        asked = Synthesize.from_event(event)
        voice = (asked.voice.name or "") if asked.voice else ""
        if asked.voice and asked.voice.language:
            voice = self._known(asked.voice.language)
        self._drop()
        self._start(Speaking(self._engine, asked.text, voice, self._handing_to(self._on_spoken)))
        self._put(AudioStart(self._engine.rate, 2, 1))

    def _known(self, language: str) -> str:
        """As the engine calls it; raises ValueError when it does not know it."""
        tag = lookup(language, self._engine.languages)
        if tag is None:
            raise ValueError(f"the engine {self._engine.name} does not know the language")
        return tag

    def _start(self, work: Hearing | Speaking) -> None:
        self._work = work
        self._thread.add(work)

    def _handing_to(self, receive: Callable[[Any], None]) -> Callable[[Any], None]:
        """From the engine's thread to the loop; what a dropped work still emits goes nowhere."""
        generation = self._generation

        def on_loop(said: Any) -> None:
            if generation == self._generation:
                receive(said)

        def emit(said: Any) -> None:
            self._loop.call_soon_threadsafe(on_loop, said)

        return emit

    def _drop(self) -> None:
        self._generation += 1
        if self._work is not None:
            self._thread.drop(self._work)
            self._work = None

    def _on_heard(self, said: Partial | Final | Failure) -> None:
        if isinstance(said, Failure):
            self._put(Error(said, "engine"))
        elif isinstance(said, Final):
            if self._partial is not None:
                self._put(TranscriptStop())
            self._put(Transcript(said))
        else:
            self._put_partial(said)

    def _put_partial(self, text: str) -> None:
        shown = self._partial
        self._partial = text
        if shown is None or not text.startswith(shown):
            self._put(TranscriptStart())
            shown = ""
        self._put(TranscriptChunk(text[len(shown) :]))

    def _on_spoken(self, said: bytes | Done | Failure) -> None:
        if isinstance(said, Failure):
            self._put(Error(said, "engine"))
        elif isinstance(said, Done):
            self._put(AudioStop())
        else:
            self._put(AudioChunk(self._engine.rate, 2, 1, said))

    def _put(self, said: Eventable) -> None:
        self._out.put_nowait(said.event())

    async def _send(self) -> None:
        while True:
            event = await self._out.get()
            await async_write_event(event, self._writer)
            if AudioChunk.is_type(event.type) and isinstance(self._work, Speaking):
                self._work.taken()
                self._thread.wake()


def _info(engine: Any) -> Info:
    """Each language that an engine speaks is a voice of that name, and so is each speaker that it has, for them all."""
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
    """Host `engine` until `end` is set; `say` gets "ready" when the socket listens."""
    thread = EngineThread(f"engine {engine.name}")
    clients: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[writer] = gone = asyncio.Event()
        try:
            if len(clients) > MAX_CONNECTIONS:
                await async_write_event(Error("the worker has too many clients", "busy").event(), writer)
                return
            await Connection(engine, thread, writer).run(reader)
        except (OSError, EOFError, AttributeError, KeyError, TypeError) as exc:  # gone, or not speaking Wyoming
            _log.debug("a client left in the middle: %s", type(exc).__name__)
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
            writer.transport.abort()  # not cancelled: asyncio's streams of 3.11 report that as a bug
            await gone.wait()
        thread.close()
        os.unlink(path)  # asyncio leaves it
