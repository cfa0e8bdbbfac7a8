"""The Wyoming server serves its clients in a fair order, and what nobody waits for any more is dropped."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncUnixClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from server.errors import EngineError
from server.speech.engine_thread import MAX_JOBS
from server.speech.protocols import ANYBODY, Asker, SpeechStream
from server.speech.wyoming_stt import WyomingSpeechToText
from tests.speech.wyoming_engines import SLICE, START, Counting, Humming, chunk, hear, hear_until, say, serving


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
