"""Watched engines behave as the engines that they wrap, and measure how long calls wait."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import pytest

from server.errors import EngineError
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream
from server.telemetry.watched_engines import Watch, watched_speech_to_text, watched_text_to_speech
from tests.virtual_time import run_virtual


class SlowEngine:
    """An engine that answers or fails after `delay_s`."""

    def __init__(self, delay_s: float = 1.0, fails: bool = False) -> None:
        self.delay_s, self.fails = delay_s, fails
        self.heard = b""
        self.closed = 0

    languages = ("en",)

    language = "fr"

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        self.told = (language, others)
        return self

    def feed(self, pcm: bytes) -> None:
        self.heard += pcm

    async def transcript(self) -> str:
        await self._work()
        return "words"

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        await self._work()
        for _ in range(3):
            yield Pcm(24_000, bytes(960))
            await asyncio.sleep(1)

    async def _work(self) -> None:
        await asyncio.sleep(self.delay_s)
        if self.fails:
            raise EngineError("speech-to-text", "It is broken.")

    async def close(self) -> None:
        self.closed += 1


def test_the_language_is_passed_on() -> None:
    """The engine is told which languages are possible, and tells which one it has found."""
    engine = SlowEngine()
    stream = watched_speech_to_text(engine, Watch(lambda took_s: None)).listen([], lambda text: None, "en", ["fr"])
    assert (engine.told, stream.language) == (("en", ["fr"]), "fr")


def test_a_transcript_is_waited_for() -> None:
    """A wait lasts from asking for the words to getting them. To feed the engine is not a wait."""

    async def scenario() -> None:
        engine, took_s = SlowEngine(), list[float]()
        watch = Watch(took_s.append)
        transcription = watched_speech_to_text(engine, watch).listen([], lambda text: None)
        transcription.feed(b"ab")
        assert (engine.heard, len(watch.waits)) == (b"ab", 0)
        asking = asyncio.create_task(transcription.transcript(), name="asking")
        await asyncio.sleep(0.4)
        assert watch.waits.oldest_s(asyncio.get_running_loop().time()) == pytest.approx(0.4)
        assert await asking == "words"
        assert (took_s, len(watch.waits), watch.last_use.check()) == (pytest.approx([1]), 0, "")
        await transcription.close()
        assert engine.closed == 1

    run_virtual(scenario())


def test_the_first_sound_is_waited_for() -> None:
    """The wait ends with the first sound. A call that stops reading in the middle leaves no wait behind."""

    async def scenario() -> None:
        took_s = list[float]()
        watch = Watch(took_s.append)
        async with aclosing(watched_text_to_speech(SlowEngine(), watch).synthesize("hello", "")) as sound:
            async for _ in sound:
                assert (took_s, len(watch.waits)) == (pytest.approx([1]), 0)
                break
        assert watch.last_use.check() == ""

    run_virtual(scenario())


def test_a_failure_is_raised_and_remembered() -> None:
    """A failure ends the wait and is not an answer. It is the engine's state until the engine answers again."""

    async def scenario() -> None:
        engine, took_s = SlowEngine(fails=True), list[float]()
        watch = Watch(took_s.append)
        transcription = watched_speech_to_text(engine, watch).listen([], lambda text: None)
        with pytest.raises(EngineError):
            await transcription.transcript()
        assert (took_s, len(watch.waits), watch.last_use.check()) == ([], 0, "It is broken.")
        assert watch.waits.lately_s(asyncio.get_running_loop().time()) == pytest.approx(1)
        engine.fails = False
        await transcription.transcript()
        assert watch.last_use.check() == ""

    run_virtual(scenario())


def test_a_request_that_is_cancelled_is_neither_success_nor_failure() -> None:
    """A request that is cancelled says nothing about the engine, but its wait counts."""

    async def scenario() -> None:
        took_s = list[float]()
        watch = Watch(took_s.append)
        transcription = watched_speech_to_text(SlowEngine(delay_s=9), watch).listen([], lambda text: None)
        asking = asyncio.create_task(transcription.transcript(), name="asking")
        await asyncio.sleep(3)
        asking.cancel()
        await asyncio.wait({asking})
        assert (took_s, len(watch.waits), watch.last_use.failures) == ([], 0, 0)
        assert watch.waits.lately_s(asyncio.get_running_loop().time()) == pytest.approx(3)

    run_virtual(scenario())
