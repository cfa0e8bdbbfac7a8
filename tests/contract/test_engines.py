"""One suite for every speech-to-text client, and one for every text-to-speech client, whatever engine is behind it.

To add an engine, write a context manager that gives its client, and add it to SPEECH_TO_TEXT or TEXT_TO_SPEECH.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from server.errors import EngineError
from server.speech.cartesia_tts import CartesiaTextToSpeech
from server.speech.languages import lookup
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from server.speech.openai_realtime import RealtimeSpeechToText
from server.speech.supervisor import Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.fakes.cartesia_server import cartesia_server
from tests.fakes.openai_server import openai_server
from tests.fakes.realtime_server import realtime_server
from tests.fakes.wyoming_server import wyoming_server
from tests.real_models import real_model
from tests.tiny_models import make_piper, make_whisper
from tests.voices import silence, speak

SPEECH = "yes please"
PHRASES = ["yes please", "no thank you"]
SttClient = WyomingSpeechToText | OpenAISpeechToText | RealtimeSpeechToText
TtsClient = WyomingTextToSpeech | OpenAITextToSpeech | CartesiaTextToSpeech
T = TypeVar("T", WyomingSpeechToText, WyomingTextToSpeech)
LONG = "Hello there, how are you today? " * 100


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


SPEECH_TO_TEXT = [whisper, pocketsphinx, wyoming_stt, openai_stt, realtime_stt]
TEXT_TO_SPEECH = [espeak, piper, piper_real, hibari, wyoming_tts, openai_tts, cartesia_tts]


class TestSpeechToText:
    @pytest.fixture(params=SPEECH_TO_TEXT, ids=lambda make: make.__name__)
    async def stt(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SttClient]:
        async with request.param(tmp_path) as client:
            yield client
            await client.close()

    async def test_speech_in_frames_gives_words(self, stt: SttClient) -> None:
        """Speech that is fed in frames of 20 ms gives words."""
        stream = stt.listen(PHRASES, lambda text: None)
        feed_in_frames(stream, speak(SPEECH))
        assert await stream.transcript()
        await stream.close()

    async def test_every_named_language_is_understood(self, stt: SttClient) -> None:
        """Speech gives words in each language that the client names, and also in another region of the language."""
        assert lookup("en-NZ", stt.languages) is not None
        assert lookup("tlh", stt.languages) is None
        for language in ("en-NZ", stt.languages[-1]):
            stream = stt.listen([], lambda text: None, language)
            feed_in_frames(stream, speak(SPEECH))
            assert await stream.transcript()
            await stream.close()

    async def test_an_utterance_in_one_of_several_languages_is_understood(self, stt: SttClient) -> None:
        """Where the language is open, there are words all the same. It is one that was possible, or unknown."""
        stream = stt.listen([], lambda text: None, "en", ["de", "fr"])
        feed_in_frames(stream, speak(SPEECH))
        assert await stream.transcript()
        assert stream.language == "" or lookup(stream.language, ["en", "de", "fr"]) is not None
        await stream.close()

    async def test_silence_gives_no_words(self, stt: SttClient) -> None:
        """No sound, and silence, give an empty text and no error."""
        stream = stt.listen(PHRASES, lambda text: None)
        assert await stream.transcript() == ""
        stream.feed(silence(1))
        assert await stream.transcript() == ""
        await stream.close()

    async def test_more_may_be_said_after_a_transcript(self, stt: SttClient) -> None:
        """A second transcript covers the whole utterance. Without new sound the same transcript is given again."""
        stream = stt.listen(PHRASES, lambda text: None)
        feed_in_frames(stream, speak(SPEECH))
        first = await stream.transcript()
        assert await stream.transcript() == first
        feed_in_frames(stream, silence(0.3) + speak(SPEECH))
        second = await stream.transcript()
        assert len(second.split()) >= len(first.split()) > 0
        await stream.close()

    async def test_utterances_side_by_side(self, stt: SttClient) -> None:
        """Of two utterances at the same time, one with speech and one silent, each gets its own words."""
        loud, quiet = (stt.listen(PHRASES, lambda text: None) for _ in range(2))
        speech = speak(SPEECH)
        loud.feed(speech)
        quiet.feed(bytes(len(speech)))
        words, nothing = await asyncio.gather(loud.transcript(), quiet.transcript())
        assert words
        assert nothing == ""
        await loud.close()
        await quiet.close()

    async def test_waiting_may_be_cancelled(self, stt: SttClient) -> None:
        """After a wait for a transcript was cancelled, the next one gives the words."""
        stream = stt.listen(PHRASES, lambda text: None)
        stream.feed(speak(SPEECH))
        waiting = asyncio.create_task(stream.transcript())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await stream.transcript()
        await stream.close()

    async def test_close_ends_a_waiting_transcript(self, stt: SttClient) -> None:
        """Close is idempotent. A transcript that waits raises EngineError, and later sound is ignored."""
        stream = stt.listen(PHRASES, lambda text: None)
        stream.feed(speak(SPEECH))
        waiting = asyncio.create_task(stream.transcript())
        await asyncio.sleep(0)
        await stream.close()
        with pytest.raises(EngineError):
            await waiting
        stream.feed(speak(SPEECH))
        await stream.close()

    async def test_closing_the_client_ends_its_utterances(self, stt: SttClient) -> None:
        """Closing the client also ends an utterance that was not closed, and leaves no task."""
        stream = stt.listen(PHRASES, lambda text: None)
        feed_in_frames(stream, speak(SPEECH))
        waiting = asyncio.create_task(stream.transcript())
        await asyncio.sleep(0)
        await stt.close()
        with pytest.raises(EngineError):
            await waiting
        assert not [task for task in asyncio.all_tasks() if task.get_name().endswith("transcription")]


class TestTextToSpeech:
    @pytest.fixture(params=TEXT_TO_SPEECH, ids=lambda make: make.__name__)
    async def tts(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TtsClient]:
        async with request.param(tmp_path) as client:
            yield client
            await client.close()
            await client.close()

    async def test_a_text_gives_sound(self, tts: TtsClient) -> None:
        """A sentence gives sound of one rate, in whole samples, that is about as long as speaking it takes."""
        rates, sound = set(), b""
        async for pcm in tts.synthesize("Hello there, how are you?", ""):
            assert len(pcm.data) % 2 == 0
            rates.add(pcm.rate)
            sound += pcm.data
        (rate,) = rates
        assert 8_000 <= rate <= 48_000
        assert 0.2 < len(sound) / 2 / rate < 5
        assert np.max(np.abs(np.frombuffer(sound, "<i2").astype(int))) > 2_000

    async def test_every_named_language_is_spoken(self, tts: TtsClient) -> None:
        """A text gives sound in each language that the client names, and also in another region of the language."""
        assert lookup("en-NZ", tts.languages) is not None
        assert lookup("tlh", tts.languages) is None
        for language in ("en-NZ", tts.languages[0], tts.languages[-1]):
            assert [pcm async for pcm in tts.synthesize("Hello there.", "", language)]

    async def test_texts_side_by_side(self, tts: TtsClient) -> None:
        """Of two texts at the same time, the longer one gives more sound."""

        async def samples(text: str) -> int:
            return sum([len(pcm.data) async for pcm in tts.synthesize(text, "")])

        short, long = await asyncio.gather(samples("Yes."), samples("Yes, and that is what I would like to say."))
        assert 0 < short < long

    async def test_closing_the_iterator_cancels(self, tts: TtsClient) -> None:
        """When a long text is left after its first chunk, the next text is spoken."""
        speaking = tts.synthesize(LONG, "")
        assert (await anext(speaking)).data
        await speaking.aclose()
        assert [pcm async for pcm in tts.synthesize("Yes.", "")]


def feed_in_frames(stream, pcm: bytes) -> None:  # type: ignore[no-untyped-def]
    for at in range(0, len(pcm), 640):
        stream.feed(pcm[at : at + 640])
