"""OpenAI-compatible HTTP: what is sent, and what becomes of a server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import ConfigError, EngineError
from server.speech.openai_http import SPEECH_RATE, OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from tests.fakes.openai_server import FakeOpenAIServer, hang, hang_up, openai_server, refuse, say

KEY = "sk-nobody-may-see-this"
SECOND = b"\1\1" * 16_000


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAIServer]:
    async with openai_server() as running:
        yield running


@pytest.fixture
async def ears(server: FakeOpenAIServer) -> AsyncIterator[OpenAISpeechToText]:
    address = OpenAIServer(server.base_url, KEY)
    client = OpenAISpeechToText(address, model="tiny", languages=["en", "zh-Hant"], deadline_s=0.5)
    yield client
    await client.close()


@pytest.fixture
async def mouth(server: FakeOpenAIServer) -> AsyncIterator[OpenAITextToSpeech]:
    client = OpenAITextToSpeech(OpenAIServer(server.base_url, KEY), model="tiny", voice="ash", silence_s=0.5)
    yield client
    await client.close()


async def transcript(ears: OpenAISpeechToText, pcm: bytes = SECOND, language: str = "") -> str:
    utterance = ears.listen(["go left", "go right"], lambda text: None, language)
    utterance.feed(pcm)
    try:
        return await utterance.transcript()
    finally:
        await utterance.close()


async def test_a_transcription_request(server: FakeOpenAIServer, ears: OpenAISpeechToText) -> None:
    """The utterance is sent as a WAV with model, language, the phrases as a prompt, and the key."""
    assert await transcript(ears, language="zh-Hant-TW") == "word word"
    (form,) = server.forms
    assert (form["model"], form["language"], form["prompt"]) == ("tiny", "zh", "go left. go right")
    assert server.keys == [f"Bearer {KEY}"]
    await transcript(ears)
    assert "language" not in server.forms[-1]


async def test_an_unchanged_utterance_is_asked_for_once(server: FakeOpenAIServer, ears: OpenAISpeechToText) -> None:
    """Asking again costs no request when nothing was said meanwhile, and one for the whole when something was."""
    utterance = ears.listen([], lambda text: None)
    utterance.feed(SECOND)
    assert await utterance.transcript() == await utterance.transcript() == "word word"
    assert len(server.forms) == 1
    utterance.feed(SECOND)
    assert await utterance.transcript() == "word word word word"


async def test_an_endless_utterance_is_cut(ears: OpenAISpeechToText) -> None:
    """What is said beyond the limit is not kept, and the transcript covers the rest."""
    utterance = ears.listen([], lambda text: None)
    for _ in range(40):
        utterance.feed(SECOND)
    assert len((await utterance.transcript()).split()) == 60


@pytest.mark.parametrize(
    "answer", [refuse(401), refuse(500), say(b"<html>"), say(b"[]"), say(b"{}"), say(b'{"text": null}'), hang_up, hang]
)
async def test_what_goes_wrong_is_an_engine_error(server: FakeOpenAIServer, ears: OpenAISpeechToText, answer) -> None:  # type: ignore[no-untyped-def]
    """Every failure is an EngineError without the key, in time, and the next request works."""
    server.answers.append(answer)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError) as caught:
            await transcript(ears)
    assert (caught.value.stage, KEY in f"{caught.value}{caught.value.sentence}") == ("speech-to-text", False)
    assert await transcript(ears) == "word word"


@pytest.mark.parametrize("answer", [refuse(401), refuse(404), hang_up, hang])
async def test_speech_that_goes_wrong_is_an_engine_error(
    server: FakeOpenAIServer, mouth: OpenAITextToSpeech, answer
) -> None:  # type: ignore[no-untyped-def]
    """Every failure is an EngineError without the key, in time, and the next text works."""
    server.answers.append(answer)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError) as caught:
            assert [pcm async for pcm in mouth.synthesize("Hello", "")]
    assert (caught.value.stage, KEY in f"{caught.value}{caught.value.sentence}") == ("text-to-speech", False)
    assert [pcm async for pcm in mouth.synthesize("Hello", "")]


async def test_a_speech_request(server: FakeOpenAIServer, mouth: OpenAITextToSpeech) -> None:
    """Raw PCM is asked for, in the voice that is wanted or the default one; it comes in whole samples."""
    for voice in ("", "coral"):
        sound = [pcm async for pcm in mouth.synthesize("two words", voice)]
        assert {pcm.rate for pcm in sound} == {SPEECH_RATE}
        assert sum(len(pcm.data) for pcm in sound) == 2 * 2 * 7_200
        assert all(len(pcm.data) % 2 == 0 for pcm in sound)
    assert [form["voice"] for form in server.forms] == ["ash", "coral"]
    assert server.forms[0]["response_format"] == "pcm"


async def test_leaving_a_speech_ends_the_request(server: FakeOpenAIServer, mouth: OpenAITextToSpeech) -> None:
    """When the iterator is closed the server is told by the end of the connection."""
    speaking = mouth.synthesize("word " * 5_000, "")
    await anext(speaking)
    await speaking.aclose()
    async with asyncio.timeout(5):
        await server.spoken.wait()


async def test_nobody_is_there(unused_tcp_port: int) -> None:
    """A server that is not there is an EngineError at once."""
    ears = OpenAISpeechToText(OpenAIServer(f"http://127.0.0.1:{unused_tcp_port}/v1"))
    with pytest.raises(EngineError, match="cannot be reached"):
        await transcript(ears)
    await ears.close()


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://localhost", "http://", "http://a:99999", "http://a:b"]
)
def test_what_is_no_address(address: str) -> None:
    """An address that is not HTTP is a ConfigError when the client is made."""
    with pytest.raises(ConfigError):
        OpenAISpeechToText(OpenAIServer(address))
