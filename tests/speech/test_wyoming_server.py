"""The Wyoming server: one engine, many clients, standard events."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncUnixClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import EngineError
from server.speech import wyoming_server
from server.speech.engine_thread import MAX_JOBS
from server.speech.protocols import ANYBODY, Asker, SpeechStream
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech

SLICE = bytes(3200)


START = AudioStart(16_000, 2, 1)


class Counting:
    """An engine whose words count the slices that it was fed. `log` has the order of its calls."""

    name, languages = "counting", ("en", "pt-BR")

    def __init__(self) -> None:
        self.log: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self.discarded = threading.Event()

    def start(self, phrases: Sequence[str], language: str, others: Sequence[str] = ()) -> "CountingRecognition":
        return CountingRecognition(self, " ".join(filter(None, [*phrases, language, "/".join(others)])))


class CountingRecognition:
    language = "pt-BR"

    def __init__(self, engine: Counting, name: str) -> None:
        self.engine, self.name, self.count = engine, name, 0

    def feed(self, pcm: bytes) -> str | None:
        self.engine.started.set()
        self.engine.gate.wait()
        self.engine.log.append(f"{self.name} feed")
        if pcm.startswith(b"bad"):
            raise RuntimeError("what somebody said")
        self.count += 1
        return {1: "one", 2: "one two", 3: "won too"}.get(self.count)

    def finish(self) -> str:
        self.engine.log.append(f"{self.name} finish")
        return f"{self.name} {self.count}".strip()

    def discard(self) -> None:
        self.engine.discarded.set()


class Humming:
    """An engine that speaks one chunk for each word."""

    name, rate, languages = "humming", 16_000, ("en", "pt-BR")

    def __init__(self) -> None:
        self.made = 0

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        self.voice = voice
        for _ in text.split():
            self.made += 1
            yield bytes(20_000)


class Choir(Humming):
    """An engine with several speakers, who speak all of its languages."""

    speakers = ("amy", "joe")


@contextlib.asynccontextmanager
async def serving(engine: object, directory: Path) -> AsyncIterator[Path]:
    path, end, ready = directory / "socket", asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wyoming_server.serve(engine, path, end, lambda _: ready.set()))
        await ready.wait()
        try:
            yield path
        finally:
            end.set()
    assert not path.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("engine")]


async def say(client: AsyncUnixClient, *said: Eventable) -> None:
    for each in said:
        await client.write_event(each.event())


async def hear(client: AsyncUnixClient) -> Event:
    async with asyncio.timeout(10):
        event = await client.read_event()
    assert event is not None
    return event


async def hear_until(client: AsyncUnixClient, kind: type[Eventable]) -> list[Event]:
    events = [await hear(client)]
    while not kind.is_type(events[-1].type):
        events.append(await hear(client))
    return events


def chunk(pcm: bytes = SLICE) -> AudioChunk:
    return AudioChunk(16_000, 2, 1, pcm)


async def test_a_speaker_may_be_chosen_with_a_language(tmp_path: Path) -> None:
    """A speaker that a call wants speaks the language that the call chose. Without a speaker the engine chooses."""
    engine = Choir()
    async with serving(engine, tmp_path) as path:
        tts = WyomingTextToSpeech(f"unix://{path}")
        await tts.learn()
        for wish, voice in (("joe", "joe"), ("", "en"), ("nobody", "en")):
            assert [pcm async for pcm in tts.synthesize("Hello", wish, "en-GB")]
            assert engine.voice == voice
        assert tts.languages == ("en", "pt-BR")


async def test_partial_words_are_standard_events(tmp_path: Path) -> None:
    """Words that are added come as a chunk. Words that change come after a new start."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START)
        for expected in (
            [TranscriptStart(), TranscriptChunk("one")],
            [TranscriptChunk(" two")],
            [TranscriptStart(), TranscriptChunk("won too")],
        ):
            await say(client, chunk())
            assert [await hear(client) for _ in expected] == [each.event() for each in expected]
        await say(client, AudioStop())
        assert [await hear(client), await hear(client)] == [
            TranscriptStop().event(),
            Transcript("3", language="pt-BR").event(),
        ]


async def test_a_connection_carries_utterances_in_sequence(tmp_path: Path) -> None:
    """Each utterance on a connection starts empty and has the phrases that were sent last."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        for name in ("first", "second"):
            await say(client, Transcribe(transcript_terms=[name]), START, chunk(), AudioStop())
            *_, last = await hear_until(client, Transcript)
            assert Transcript.from_event(last).text == f"{name} 1"


async def test_the_engine_gets_its_own_tag_of_a_language(tmp_path: Path) -> None:
    """The engine gets a language under its own tag. A language that it does not know is an error."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        for language, heard in (("pt", "pt-BR 1"), ("en-GB", "en 1"), (None, "1")):
            await say(client, Transcribe(language=language), START, chunk(), AudioStop())
            assert (await hear_until(client, Transcript))[-1] == Transcript(heard, language="pt-BR").event()
        for last, heard in (("", "1"), ("en", "en 1")):
            context = {"language": last, "languages": ["pt", "fr", "en-GB"]}
            await say(client, Transcribe(context=context), START, chunk(), AudioStop())
            text = Transcript.from_event((await hear_until(client, Transcript))[-1]).text
            assert text == heard.replace("1", "pt-BR/en 1"), "what the engine does not know is left out"
        await say(client, Transcribe(language="fr"))
        assert Error.from_event(await hear(client)).code == "bad-request"
    engine = Humming()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, Synthesize("yes", SynthesizeVoice(language="pt")))
        await hear_until(client, AudioStop)
        assert engine.voice == "pt-BR"
        await say(client, Synthesize("yes", SynthesizeVoice(language="fr")))
        assert Error.from_event(await hear(client)).code == "bad-request"


async def test_final_words_go_before_sound_of_others(tmp_path: Path) -> None:
    """When a client waits for final words, they are finished before the engine hears more sound of other clients."""
    engine = Counting()
    engine.gate.clear()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as long, AsyncUnixClient(path) as short:
        await say(long, Transcribe(transcript_terms=["long"]), START, chunk(SLICE * 20))
        await asyncio.to_thread(engine.started.wait, 10)
        await say(short, Transcribe(transcript_terms=["short"]), START, chunk(SLICE * 2), AudioStop(), Ping())
        await hear_until(short, Pong)  # now the worker has read all of it
        engine.gate.set()
        await hear_until(short, Transcript)
        assert engine.log[: engine.log.index("short finish")].count("long feed") <= 2


async def test_the_job_of_a_client_that_leaves_is_dropped(tmp_path: Path) -> None:
    """When a client hangs up, its utterance is discarded and the engine does not hear the rest of its sound."""
    engine = Counting()
    engine.gate.clear()
    async with serving(engine, tmp_path) as path:
        async with AsyncUnixClient(path) as client:
            await say(client, START, chunk(SLICE * 50))
            await asyncio.to_thread(engine.started.wait, 10)
        async with AsyncUnixClient(path) as other:
            await say(other, Describe())
            await hear_until(other, Info)
        engine.gate.set()
        assert await asyncio.to_thread(engine.discarded.wait, 10)
        assert len(engine.log) < 50


async def test_an_engine_failure_ends_only_one_utterance(tmp_path: Path) -> None:
    """When the engine fails, the client gets an error that repeats nothing that was said, and the next utterance on the
    connection works."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START, chunk(b"bad!"))
        error = Error.from_event(await hear(client))
        assert (error.code, "said" in error.text) == ("engine", False)
        await say(client, START, chunk(), AudioStop())
        await hear_until(client, Transcript)


@pytest.mark.parametrize(
    "said", [chunk(b"odd"), chunk(SLICE * 1201), Event("audio-chunk", {}), Event("transcribe", {"transcript_terms": 1})]
)
async def test_an_invalid_event_is_an_error(tmp_path: Path, said: Eventable | Event) -> None:
    """Half a sample, an endless utterance, and missing or wrong fields are refused, and the connection still works."""
    async with serving(Counting(), tmp_path) as path, AsyncUnixClient(path) as client:
        await client.write_event(said if isinstance(said, Event) else said.event())
        assert Error.from_event(await hear(client)).code == "bad-request"
        await say(client, START, chunk(), AudioStop())
        await hear_until(client, Transcript)


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"{}\n", b'{"type": 1}\n', b"x" * 70_000])
async def test_a_client_that_does_not_speak_wyoming_is_disconnected(tmp_path: Path, noise: bytes) -> None:
    """A client that does not speak Wyoming loses its connection, and the other clients are served."""
    async with serving(Counting(), tmp_path) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(noise)
        writer.write_eof()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        async with AsyncUnixClient(path) as client:
            await say(client, Ping("still"))
            assert Pong.from_event(await hear(client)).text == "still"


async def test_a_hanging_engine_answers_no_ping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a step lasts too long, a ping gets no answer. Afterwards pings are answered again."""
    monkeypatch.setattr(wyoming_server, "HANG_S", 0.0)
    engine = Counting()
    engine.gate.clear()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START, chunk())
        await asyncio.to_thread(engine.started.wait, 10)
        await say(client, Ping("early"), Describe())
        assert Info.is_type((await hear(client)).type)
        monkeypatch.setattr(wyoming_server, "HANG_S", 30.0)
        await say(client, Ping("late"))
        assert Pong.from_event(await hear(client)).text == "late"
        engine.gate.set()


async def test_a_slow_client_delays_only_its_own_text(tmp_path: Path) -> None:
    """When a client does not read, its text waits, and texts of other clients are spoken meanwhile."""
    engine = Humming()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as slow, AsyncUnixClient(path) as quick:
        await say(slow, Synthesize("word " * 500))
        for _ in range(3):
            await say(quick, Synthesize("word " * 300))
            await hear_until(quick, AudioStop)
        assert engine.made < 3 * 300 + 200  # only as much of the 500 words as fits into the buffers
        assert sum(AudioChunk.is_type(event.type) for event in await hear_until(slow, AudioStop)) >= 500


async def test_results_of_an_earlier_utterance_are_ignored(tmp_path: Path) -> None:
    """When a new utterance begins while the engine still works on the last one, the client gets nothing of the last."""
    engine = Counting()
    engine.gate.clear()
    async with serving(engine, tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, START, chunk())
        await asyncio.to_thread(engine.started.wait, 10)
        await say(client, START, chunk(), Ping())
        await hear_until(client, Pong)
        engine.gate.set()
        assert [await hear(client), await hear(client)] == [TranscriptStart().event(), TranscriptChunk("one").event()]
        await say(client, AudioStop())
        assert [await hear(client), await hear(client)] == [
            TranscriptStop().event(),
            Transcript("1", language="pt-BR").event(),
        ]


async def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A text that is longer than the limit is an error."""
    async with serving(Humming(), tmp_path) as path, AsyncUnixClient(path) as client:
        await say(client, Synthesize("word " * 2_000))
        assert Error.from_event(await hear(client)).code == "bad-request"


async def test_a_call_may_ask_for_so_much_at_once(tmp_path: Path) -> None:
    """A worker knows which call asks. It refuses the ninth utterance that one call has at the same time, and takes
    those of other calls, and of clients that name no call."""
    async with serving(Counting(), tmp_path) as path:
        stt = WyomingSpeechToText(f"unix://{path}")

        async def begin(asker: Asker) -> SpeechStream:
            heard = asyncio.Event()
            stream = stt.listen([], lambda text: heard.set(), "", (), asker)
            stream.feed(SLICE)
            if asker.call not in full:
                await asyncio.wait_for(heard.wait(), 10)
            return stream

        full: list[str] = []
        taken = [await begin(Asker("greedy")) for _ in range(MAX_JOBS)]
        full.append("greedy")
        refused = await begin(Asker("greedy"))
        with pytest.raises(EngineError, match="busy"):
            await refused.transcript()
        taken += [await begin(Asker("other")), await begin(ANYBODY)]
        assert [await stream.transcript() for stream in taken] == ["1"] * (MAX_JOBS + 2)
        await stt.close()


async def test_who_waits_in_silence_is_served_first(tmp_path: Path) -> None:
    """The first sound of an answer comes before more sound for a caller who still has some."""
    engine = Gated()
    async with serving(engine, tmp_path) as path, contextlib.AsyncExitStack() as stack:
        clients = []
        for text, context in (("before", {}), ("later", {"call": "a", "has_sound": True}), ("now", {"call": "b"})):
            client = await stack.enter_async_context(AsyncUnixClient(str(path)))
            await say(client, Synthesize(text, context=context))
            await hear_until(client, AudioStart)
            clients.append(client)
            await asyncio.to_thread(engine.begun.wait, 10)
        engine.gate.set()
        for client in clients:
            await hear_until(client, AudioStop)
    assert engine.made == ["before", "now", "later"]


class Gated:
    """An engine that waits for a gate before its first text."""

    name, rate, languages = "slow", 16_000, ("en",)

    def __init__(self) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()
        self.made: list[str] = []

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        self.begun.set()
        self.gate.wait(10)
        self.made.append(text)
        yield bytes(2_000)
