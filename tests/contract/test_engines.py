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

SPEECH = "yes please"
SttClient = WyomingSpeechToText | OpenAISpeechToText | RealtimeSpeechToText | OwnSpeechToText
TtsClient = WyomingTextToSpeech | OpenAITextToSpeech | CartesiaTextToSpeech | OwnTextToSpeech
T = TypeVar("T", WyomingSpeechToText, WyomingTextToSpeech)


@contextlib.asynccontextmanager
async def worker(engine: str, model: Path | None = None) -> AsyncIterator[str]:
    supervisor = Supervisor(engine, str(model) if model else None)
    await supervisor.start()
    try:
        yield supervisor.uri
    finally:
        await supervisor.close()


async def learned(client: T) -> T:
    """The client, after it has asked its server for the languages."""
    await client.learn()
    return client


@contextlib.asynccontextmanager
async def whisper(directory: Path) -> AsyncIterator[SttClient]:
    async with worker("whisper", make_whisper(directory / "whisper")) as uri:
        yield await learned(WyomingSpeechToText(uri))


@contextlib.asynccontextmanager
async def pocketsphinx(_: Path) -> AsyncIterator[SttClient]:
    async with worker("pocketsphinx") as uri:
        yield await learned(WyomingSpeechToText(uri))


@contextlib.asynccontextmanager
async def wyoming_stt(_: Path) -> AsyncIterator[SttClient]:
    async with wyoming_server() as uri:
        yield await learned(WyomingSpeechToText(uri))


@contextlib.asynccontextmanager
async def openai_stt(_: Path) -> AsyncIterator[SttClient]:
    async with openai_server() as server:
        yield OpenAISpeechToText(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def espeak(_: Path) -> AsyncIterator[TtsClient]:
    async with worker("espeak") as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def piper(directory: Path) -> AsyncIterator[TtsClient]:
    async with worker("piper", make_piper(directory / "piper")) as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def piper_real(_: Path) -> AsyncIterator[TtsClient]:
    async with worker("piper", real_model("piper")) as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def hibari(_: Path) -> AsyncIterator[TtsClient]:
    async with worker("hibari") as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def wyoming_tts(_: Path) -> AsyncIterator[TtsClient]:
    async with wyoming_server() as uri:
        yield await learned(WyomingTextToSpeech(uri))


@contextlib.asynccontextmanager
async def openai_tts(_: Path) -> AsyncIterator[TtsClient]:
    async with openai_server() as server:
        yield OpenAITextToSpeech(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def realtime_stt(_: Path) -> AsyncIterator[SttClient]:
    async with realtime_server() as server:
        yield RealtimeSpeechToText(OpenAIServer(server.base_url), languages=["en", "de"])


@contextlib.asynccontextmanager
async def cartesia_tts(_: Path) -> AsyncIterator[TtsClient]:
    async with cartesia_server() as server:
        yield CartesiaTextToSpeech(OpenAIServer(server.base_url), voice="ann", languages=["en", "de"])


@contextlib.asynccontextmanager
async def own_stt(_: Path) -> AsyncIterator[SttClient]:
    client = OwnSpeechToText(BlockingSpeechToText, "own.py:stt")
    await client.start()
    yield client


@contextlib.asynccontextmanager
async def own_tts(_: Path) -> AsyncIterator[TtsClient]:
    client = OwnTextToSpeech(HummingTextToSpeech(), "own.py:tts")
    await client.start()
    yield client


@contextlib.asynccontextmanager
async def own_sync_tts(_: Path) -> AsyncIterator[TtsClient]:
    client = OwnTextToSpeech(BlockingTextToSpeech, "own.py:tts")
    await client.start()
    yield client


SPEECH_TO_TEXT = [whisper, pocketsphinx, wyoming_stt, openai_stt, realtime_stt, own_stt]
TEXT_TO_SPEECH = [espeak, piper, piper_real, hibari, wyoming_tts, openai_tts, cartesia_tts, own_tts, own_sync_tts]


@pytest.fixture(params=SPEECH_TO_TEXT, ids=lambda make: make.__name__)
async def stt(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SttClient]:
    async with request.param(tmp_path) as client:
        yield client
        await client.close()


@pytest.fixture(params=TEXT_TO_SPEECH, ids=lambda make: make.__name__)
async def tts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TtsClient]:
    async with request.param(tmp_path) as client:
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
