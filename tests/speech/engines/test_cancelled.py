"""A text that nobody wants any more, with real engines and the Wyoming protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.speech.engine import TextToSpeechEngine
from server.speech.engines import hibari, piper
from server.speech.wyoming_server import serve
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.real_models import real_model

LONG = "I can see that your order left our warehouse this morning and should arrive before the weekend starts. " * 40


class Counted:
    """An engine that counts the steps of all its texts, and the texts that were not spoken to their end."""

    def __init__(self, engine: TextToSpeechEngine) -> None:
        self._engine = engine
        self.name, self.rate, self.languages = engine.name, engine.rate, engine.languages
        self.steps = self.left = 0

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        ended = False
        try:
            for chunk in self._engine.synthesize(text, voice):
                self.steps += 1
                yield chunk
            ended = True
        finally:
            self.left += not ended


@pytest.fixture(params=["piper", "hibari"])
def engine(request: pytest.FixtureRequest) -> Counted:
    return Counted(piper.Engine(str(real_model("piper"))) if request.param == "piper" else hibari.Engine())


@contextlib.asynccontextmanager
async def client(engine: Counted, directory: Path) -> AsyncIterator[WyomingTextToSpeech]:
    end, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(engine, directory / "socket", end, lambda line: ready.set()))
    await ready.wait()
    tts = WyomingTextToSpeech(f"unix://{directory / 'socket'}")
    try:
        yield tts
    finally:
        await tts.close()
        end.set()
        await serving


async def test_no_work_for_a_text_that_was_left(engine: Counted, tmp_path: Path) -> None:
    """When the client hangs up after the first chunk of a very long text, the engine is free for the next text, and
    does not go on with the first one."""
    async with client(engine, tmp_path) as tts:
        speaking = tts.synthesize(LONG, "")
        await anext(speaking)
        await speaking.aclose()
        assert [pcm async for pcm in tts.synthesize("Yes.", "")]
        steps = engine.steps
        assert engine.left == 1
        assert [pcm async for pcm in tts.synthesize("Yes.", "")]
        assert engine.steps - steps < steps < 200  # the whole text takes more than 400
        assert engine.left == 1
