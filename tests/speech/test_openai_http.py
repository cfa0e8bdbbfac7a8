"""The OpenAI-compatible clients: what they send, and what they do when a server misbehaves."""

import asyncio
import json
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
async def stt(server: FakeOpenAIServer) -> AsyncIterator[OpenAISpeechToText]:
    address = OpenAIServer(server.base_url, KEY)
    client = OpenAISpeechToText(address, model="tiny", languages=["en", "zh-Hant"], deadline_s=0.5)
    yield client
    await client.close()


@pytest.fixture
async def tts(server: FakeOpenAIServer) -> AsyncIterator[OpenAITextToSpeech]:
    client = OpenAITextToSpeech(OpenAIServer(server.base_url, KEY), model="tiny", voice="ash", silence_s=0.5)
    yield client
    await client.close()


async def transcript(stt: OpenAISpeechToText, pcm: bytes = SECOND, language: str = "") -> str:
    stream = stt.listen(["go left", "go right"], lambda text: None, language)
    stream.feed(pcm)
    try:
        return await stream.transcript()
    finally:
        await stream.close()


async def test_a_transcription_request(server: FakeOpenAIServer, stt: OpenAISpeechToText) -> None:
    """The utterance is sent as a WAV file, with the model, the language, the phrases as a prompt, and the key."""
    assert await transcript(stt, language="zh-Hant-TW") == "word word"
    (form,) = server.forms
    assert (form["model"], form["language"], form["prompt"]) == ("tiny", "zh", "go left. go right")
    assert server.keys == [f"Bearer {KEY}"]
    await transcript(stt)
    assert "language" not in server.forms[-1]


@pytest.mark.parametrize(("told", "found"), [("german", "de"), ("de", "de"), (None, ""), ("klingon", "klingon")])
async def test_a_server_that_detects_the_language_tells_it(
    server: FakeOpenAIServer, stt: OpenAISpeechToText, told: str | None, found: str
) -> None:
    """Where several languages are possible, the server is asked for the format that has the language."""
    answer = {"text": "guten morgen"} | ({"language": told} if told else {})
    server.answers.append(say(json.dumps(answer).encode()))
    stream = stt.listen([], lambda text: None, "en", ["zh-Hant"])
    stream.feed(SECOND)
    assert (await stream.transcript(), stream.language) == ("guten morgen", found)
    (form,) = server.forms
    assert ("language" in form, form["response_format"]) == (False, "verbose_json")


async def test_a_server_that_is_not_ours_tells_no_languages(server: FakeOpenAIServer) -> None:
    """Then the languages are those of the settings, if there are any, and no drafts are asked for."""
    stt = OpenAISpeechToText(OpenAIServer(server.base_url))
    await stt.learn()
    assert list(stt.languages) == []
    told: list[str] = []
    stream = stt.listen([], told.append)
    for _ in range(4):
        stream.feed(SECOND)
        await asyncio.sleep(0)
    assert await stream.transcript()
    assert (len(server.forms), told) == (1, [])
    await stt.close()


async def test_a_model_without_that_format_is_not_asked_for_it(server: FakeOpenAIServer) -> None:
    """OpenAI's newer models refuse it. They detect the language, and do not tell it."""
    stt = OpenAISpeechToText(OpenAIServer(server.base_url), model="gpt-4o-mini-transcribe", languages=["en", "de"])
    stream = stt.listen([], lambda text: None, "en", ["de"])
    stream.feed(SECOND)
    assert (await stream.transcript(), stream.language) == ("word word", "")
    (form,) = server.forms
    assert ("language" in form, form["response_format"]) == (False, "json")
    await stt.close()


async def test_an_unchanged_utterance_is_asked_for_once(server: FakeOpenAIServer, stt: OpenAISpeechToText) -> None:
    """Without new sound a second transcript needs no request; with new sound it needs one, with the whole utterance."""
    stream = stt.listen([], lambda text: None)
    stream.feed(SECOND)
    assert await stream.transcript() == await stream.transcript() == "word word"
    assert len(server.forms) == 1
    stream.feed(SECOND)
    assert await stream.transcript() == "word word word word"


async def test_a_long_utterance_is_sent_in_pieces(server: FakeOpenAIServer, stt: OpenAISpeechToText) -> None:
    """What was said before a clear pause is not sent again once it is long. Its words stay in front of the others."""
    stream = stt.listen([], lambda text: None)
    stream.feed(SECOND * 9)
    await stream.transcript()
    server.answers.append(say(b'{"text": "and so on"}'))
    stream.feed(SECOND)
    assert await stream.transcript() == " ".join([*["word"] * 18, "and so on"])


async def test_an_endless_utterance_is_cut(stt: OpenAISpeechToText) -> None:
    """Sound after the limit is ignored, and the transcript covers the sound before it."""
    stream = stt.listen([], lambda text: None)
    for _ in range(40):
        stream.feed(SECOND)
    assert len((await stream.transcript()).split()) == 60


@pytest.mark.parametrize(
    "answer", [refuse(401), refuse(500), say(b"<html>"), say(b"[]"), say(b"{}"), say(b'{"text": null}'), hang_up, hang]
)
async def test_every_failure_is_an_engine_error(server: FakeOpenAIServer, stt: OpenAISpeechToText, answer) -> None:  # type: ignore[no-untyped-def]
    """Every failure is an EngineError, within the deadline and without the key in it, and the next request works."""
    server.answers.append(answer)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError) as caught:
            await transcript(stt)
    assert (caught.value.stage, KEY in f"{caught.value}{caught.value.sentence}") == ("speech-to-text", False)
    assert await transcript(stt) == "word word"


@pytest.mark.parametrize("answer", [refuse(401), refuse(404), hang_up, hang])
async def test_every_failure_of_speech_is_an_engine_error(
    server: FakeOpenAIServer, tts: OpenAITextToSpeech, answer
) -> None:  # type: ignore[no-untyped-def]
    """Every failure is an EngineError, within the deadline and without the key in it, and the next text works."""
    server.answers.append(answer)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError) as caught:
            assert [pcm async for pcm in tts.synthesize("Hello", "")]
    assert (caught.value.stage, KEY in f"{caught.value}{caught.value.sentence}") == ("text-to-speech", False)
    assert caught.value.refused == ("status 404" in str(caught.value))
    assert [pcm async for pcm in tts.synthesize("Hello", "")]


async def test_a_speech_request(server: FakeOpenAIServer, tts: OpenAITextToSpeech) -> None:
    """The request is for PCM, in the given voice or the default voice, and the sound comes in whole samples."""
    for voice in ("", "coral"):
        sound = [pcm async for pcm in tts.synthesize("two words", voice)]
        assert {pcm.rate for pcm in sound} == {SPEECH_RATE}
        assert sum(len(pcm.data) for pcm in sound) == 2 * 2 * 7_200
        assert all(len(pcm.data) % 2 == 0 for pcm in sound)
    assert [form["voice"] for form in server.forms] == ["ash", "coral"]
    assert server.forms[0]["response_format"] == "pcm"


async def test_leaving_a_speech_ends_the_request(server: FakeOpenAIServer, tts: OpenAITextToSpeech) -> None:
    """When the iterator is closed, the connection to the server ends."""
    speaking = tts.synthesize("word " * 5_000, "")
    await anext(speaking)
    await speaking.aclose()
    async with asyncio.timeout(5):
        await server.spoken.wait()


async def test_a_server_that_cannot_be_reached(unused_tcp_port: int) -> None:
    """A server that cannot be reached is an EngineError at once."""
    stt = OpenAISpeechToText(OpenAIServer(f"http://127.0.0.1:{unused_tcp_port}/v1"))
    with pytest.raises(EngineError, match="cannot be reached"):
        await transcript(stt)
    await stt.close()


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://localhost", "http://", "http://a:99999", "http://a:b"]
)
def test_an_invalid_address_is_a_config_error(address: str) -> None:
    """An address that is not a valid HTTP address is a ConfigError when the client is made."""
    with pytest.raises(ConfigError):
        OpenAISpeechToText(OpenAIServer(address))
