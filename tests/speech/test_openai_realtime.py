"""Speech-to-text over the Realtime API: what is sent, partial words, connections, and servers that misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from server.errors import ConfigError, EngineError
from server.speech.openai_http import OpenAIServer
from server.speech.openai_realtime import RealtimeSpeechToText, session_update
from tests.fakes.realtime_server import FakeRealtimeServer, realtime_server

KEY = "sk-nobody-may-see-this"
FRAME = b"\0\x10" * 320
SECOND = FRAME * 50


@pytest.fixture
async def server() -> AsyncIterator[FakeRealtimeServer]:
    async with realtime_server() as running:
        yield running


@pytest.fixture
async def stt(server: FakeRealtimeServer) -> AsyncIterator[RealtimeSpeechToText]:
    client = RealtimeSpeechToText(OpenAIServer(server.base_url, KEY), languages=["en", "zh-Hant"], deadline_s=0.5)
    yield client
    await client.close()


async def transcript(stt: RealtimeSpeechToText, pcm: bytes = SECOND, language: str = "") -> str:
    stream = stt.listen(["go left", "go right"], lambda text: None, language)
    stream.feed(pcm)
    try:
        return await stream.transcript()
    finally:
        await stream.close()


async def test_a_session_says_what_to_transcribe(server: FakeRealtimeServer, stt: RealtimeSpeechToText) -> None:
    """24 kHz PCM, the model, the language, the phrases, no turn detection of the server, and the key in the header."""
    assert await transcript(stt, language="zh-Hant-TW") == "word word"
    (session,) = server.sessions
    assert session == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": {"model": "gpt-live-transcribe", "language": "zh", "keywords": ["go left", "go right"]},
        "turn_detection": None,
    }
    assert server.keys == [f"Bearer {KEY}"]
    assert server.committed_bytes == [48_000]


@pytest.mark.parametrize(
    ("model", "language", "others", "asked"),
    [
        ("gpt-live-transcribe", "en", ("de-AT",), {"languages": ["en", "de"], "keywords": ["yes"]}),
        ("gpt-4o-transcribe", "en", ("de",), {"prompt": "yes"}),
        ("whisper-1", "", (), {"prompt": "yes"}),
        ("gpt-realtime-whisper", "de-CH", (), {"language": "de"}),
    ],
)
def test_each_model_gets_what_it_takes(
    model: str, language: str, others: tuple[str, ...], asked: dict[str, object]
) -> None:
    """Where several languages are possible, only the newest models are told which. Hints go where there is room."""
    event = json.loads(session_update(model, ["yes"], language, others))
    assert event["session"]["audio"]["input"]["transcription"] == {"model": model, **asked}


async def test_words_come_while_the_caller_speaks(stt: RealtimeSpeechToText) -> None:
    """Partial words grow before anybody asks for a transcript, and go on behind the words of an earlier one."""
    partials: list[str] = []
    two, four = asyncio.Event(), asyncio.Event()

    def hear(text: str) -> None:
        partials.append(text)
        (four if text == "word word word word" else two if text == "word word" else asyncio.Event()).set()

    stream = stt.listen([], hear)
    async with asyncio.timeout(5):
        for _ in range(50):
            stream.feed(FRAME)
        await two.wait()
        assert await stream.transcript() == "word word"
        for _ in range(50):
            stream.feed(FRAME)
        await four.wait()
        assert await stream.transcript() == "word word word word"
    assert partials == sorted(set(partials), key=len)
    await stream.close()


async def test_a_connection_is_used_again(server: FakeRealtimeServer, stt: RealtimeSpeechToText) -> None:
    """The next utterance needs no handshake; it sets up the session anew only when something has changed."""
    await transcript(stt)
    await transcript(stt)
    await transcript(stt, language="en")
    assert (server.connections, len(server.sessions)) == (1, 2)


async def test_an_abandoned_utterance_leaves_nothing_to_the_next(
    server: FakeRealtimeServer, stt: RealtimeSpeechToText
) -> None:
    """A connection with sound that was not committed is not used again."""
    heard = asyncio.Event()
    stream = stt.listen([], lambda text: heard.set())
    stream.feed(SECOND)
    await heard.wait()
    await stream.close()
    assert await transcript(stt) == "word word"
    assert server.connections == 2


@pytest.mark.parametrize("fault", ["close", "garbage", "deaf"])
async def test_a_lost_connection_costs_no_words(
    server: FakeRealtimeServer, stt: RealtimeSpeechToText, fault: str
) -> None:
    """The sound is kept, and sent again on a new connection; after two failures it is an EngineError."""
    server.faults.append(fault)
    assert await transcript(stt) == "word word"
    server.faults.extend([fault, fault])
    await stt._lines.close()
    with pytest.raises(EngineError, match="hung up"):
        await transcript(stt)
    assert await transcript(stt) == "word word"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("401", "the key is not accepted"),
        ("429", "asked too often"),
        ("500", "status 500"),
        ("elsewhere", "cannot be reached"),
        ("error", "rate_limit_exceeded"),
        ("failed", "rate_limit_exceeded"),
        ("hang", "no transcript within"),
    ],
)
async def test_every_failure_is_an_engine_error(
    server: FakeRealtimeServer, stt: RealtimeSpeechToText, fault: str, why: str
) -> None:
    """Within the deadline, without the key in it, and the same utterance may be asked for again."""
    server.faults.append(fault)
    stream = stt.listen([], lambda text: None)
    stream.feed(SECOND)
    async with asyncio.timeout(10):
        with pytest.raises(EngineError, match=why) as caught:
            await stream.transcript()
        assert (caught.value.stage, KEY in f"{caught.value!r}{caught.value.__cause__!r}") == ("speech-to-text", False)
        assert fault != "elsewhere" or server.connections == 0
        assert await stream.transcript() == "word word"
    await stream.close()


async def test_a_server_that_is_away(stt: RealtimeSpeechToText) -> None:
    """A server that cannot be reached is an EngineError."""
    away = RealtimeSpeechToText(OpenAIServer("http://127.0.0.1:9/v1"))
    with pytest.raises(EngineError, match="cannot be reached"):
        await transcript(away)
    await away.close()


async def test_an_endless_utterance_is_cut(stt: RealtimeSpeechToText) -> None:
    """Sound after the limit is ignored, and the transcript covers the sound before it."""
    stream = stt.listen([], lambda text: None)
    for _ in range(40):
        stream.feed(SECOND)
    assert len((await stream.transcript()).split()) == 60
    await stream.close()


@pytest.mark.parametrize("address", ["ftp://host/v1", "host:80", "https://host:99999/v1"])
def test_a_wrong_address_is_a_config_error(address: str) -> None:
    """The operator reads which server it is."""
    with pytest.raises(ConfigError, match="speech-to-text"):
        RealtimeSpeechToText(OpenAIServer(address))
