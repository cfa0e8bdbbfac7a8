"""One suite for every speech-to-text client, and one for every text-to-speech client, whatever engine is behind it.

To add an engine, write a context manager that gives its client, and add it to SPEECH_TO_TEXT or TEXT_TO_SPEECH. The
promises are in server/testing/engine_contract.py, because authors of engines check theirs with them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from server.speech.cartesia_tts import CartesiaTextToSpeech
from server.speech.languages import lookup
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from server.speech.openai_realtime import RealtimeSpeechToText
from server.speech.own_engine import OwnSpeechToText, OwnTextToSpeech
from server.speech.supervisor import Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from server.testing import engine_contract
from tests.fakes.cartesia_server import cartesia_server
from tests.fakes.openai_server import openai_server
from tests.fakes.own_engines import BlockingSpeechToText, BlockingTextToSpeech, HummingTextToSpeech
from tests.fakes.realtime_server import realtime_server
from tests.fakes.wyoming_server import wyoming_server
from tests.real_models import real_model
from tests.tiny_models import make_piper, make_whisper
from tests.voices import speak

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH = "yes please"
SttClient = WyomingSpeechToText | OpenAISpeechToText | RealtimeSpeechToText | OwnSpeechToText
TtsClient = WyomingTextToSpeech | OpenAITextToSpeech | CartesiaTextToSpeech | OwnTextToSpeech
T = TypeVar("T", WyomingSpeechToText, WyomingTextToSpeech)


class Workers:
    """The workers of our own engines, one for all tests of an engine."""

    def __init__(self, folder: Path) -> None:
        self._running: dict[str, Supervisor] = {}
        self.tiny_whisper = make_whisper(folder / "whisper")
        self.tiny_piper = make_piper(folder / "piper")

    async def uri(self, engine: str, model: Path | None = None) -> str:
        """Where the worker of this engine is, with this model. It is started when it is first asked for."""
        key = f"{engine} {model}"
        if key not in self._running:
            self._running[key] = Supervisor(engine, str(model) if model else None)
            await self._running[key].start()
        return self._running[key].uri

    async def close(self) -> None:
        for supervisor in self._running.values():
            await supervisor.close()


async def learned(client: T) -> T:
    """The client, after it has asked its server for the languages."""
    await client.learn()
    return client


@contextlib.asynccontextmanager
async def whisper(workers: Workers) -> AsyncIterator[SttClient]:
    yield await learned(WyomingSpeechToText(await workers.uri("whisper", workers.tiny_whisper)))


@contextlib.asynccontextmanager
async def pocketsphinx(workers: Workers) -> AsyncIterator[SttClient]:
    yield await learned(WyomingSpeechToText(await workers.uri("pocketsphinx")))


@contextlib.asynccontextmanager
async def wyoming_stt(_: Workers) -> AsyncIterator[SttClient]:
    async with wyoming_server() as uri:
        yield await learned(WyomingSpeechToText(uri))


@contextlib.asynccontextmanager
async def openai_stt(_: Workers) -> AsyncIterator[SttClient]:
    async with openai_server() as server:
        yield OpenAISpeechToText(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def espeak(workers: Workers) -> AsyncIterator[TtsClient]:
    yield await learned(WyomingTextToSpeech(await workers.uri("espeak")))


@contextlib.asynccontextmanager
async def piper(workers: Workers) -> AsyncIterator[TtsClient]:
    yield await learned(WyomingTextToSpeech(await workers.uri("piper", workers.tiny_piper)))


@contextlib.asynccontextmanager
async def piper_real(workers: Workers) -> AsyncIterator[TtsClient]:
    yield await learned(WyomingTextToSpeech(await workers.uri("piper", real_model("piper"))))


@contextlib.asynccontextmanager
async def hibari(workers: Workers) -> AsyncIterator[TtsClient]:
    yield await learned(WyomingTextToSpeech(await workers.uri("hibari")))


@contextlib.asynccontextmanager
async def wyoming_tts(_: Workers) -> AsyncIterator[TtsClient]:
    async with wyoming_server() as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def openai_tts(_: Workers) -> AsyncIterator[TtsClient]:
    async with openai_server() as server:
        yield OpenAITextToSpeech(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def realtime_stt(_: Workers) -> AsyncIterator[SttClient]:
    async with realtime_server() as server:
        yield RealtimeSpeechToText(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def cartesia_tts(_: Workers) -> AsyncIterator[TtsClient]:
    async with cartesia_server() as server:
        yield CartesiaTextToSpeech(OpenAIServer(server.base_url), voice="ann", languages=["en", "de"])


@contextlib.asynccontextmanager
async def own_stt(_: Workers) -> AsyncIterator[SttClient]:
    client = OwnSpeechToText(BlockingSpeechToText, "own.py:stt")
    await client.start()
    yield client


@contextlib.asynccontextmanager
async def own_tts(_: Workers) -> AsyncIterator[TtsClient]:
    client = OwnTextToSpeech(HummingTextToSpeech(), "own.py:tts")
    await client.start()
    yield client


@contextlib.asynccontextmanager
async def own_sync_tts(_: Workers) -> AsyncIterator[TtsClient]:
    client = OwnTextToSpeech(BlockingTextToSpeech, "own.py:tts")
    await client.start()
    yield client


SPEECH_TO_TEXT = [whisper, pocketsphinx, wyoming_stt, openai_stt, realtime_stt, own_stt]
TEXT_TO_SPEECH = [espeak, piper, piper_real, hibari, wyoming_tts, openai_tts, cartesia_tts, own_tts, own_sync_tts]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path_factory.mktemp("models"))
    yield workers
    await workers.close()


@pytest_asyncio.fixture(loop_scope="module", params=SPEECH_TO_TEXT, ids=lambda make: make.__name__)
async def stt(request: pytest.FixtureRequest, workers: Workers) -> AsyncIterator[SttClient]:
    async with request.param(workers) as client:
        yield client
        await client.close()


@pytest_asyncio.fixture(loop_scope="module", params=TEXT_TO_SPEECH, ids=lambda make: make.__name__)
async def tts(request: pytest.FixtureRequest, workers: Workers) -> AsyncIterator[TtsClient]:
    async with request.param(workers) as client:
        yield client
        await client.close()
        await client.close()


@pytest.mark.parametrize("promise", engine_contract.SPEECH_TO_TEXT, ids=lambda promise: promise.__name__)
async def test_speech_to_text_keeps_its_promises(stt: SttClient, promise) -> None:  # type: ignore[no-untyped-def]
    """Each promise of a SpeechToText is kept, and no task of an utterance is left."""
    assert (lookup("en-NZ", stt.languages) is None, lookup("tlh", stt.languages)) == (False, None)
    await promise(stt, speak(SPEECH))
    assert not [task for task in asyncio.all_tasks() if task.get_name().endswith("transcription")]


@pytest.mark.parametrize("promise", engine_contract.TEXT_TO_SPEECH, ids=lambda promise: promise.__name__)
async def test_text_to_speech_keeps_its_promises(tts: TtsClient, promise) -> None:  # type: ignore[no-untyped-def]
    """Each promise of a TextToSpeech is kept."""
    assert (lookup("en-NZ", tts.languages) is None, lookup("tlh", tts.languages)) == (False, None)
    await promise(tts)
