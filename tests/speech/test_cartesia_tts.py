"""Text-to-speech over Cartesia's WebSocket: what is sent, contexts, and servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import EngineError
from server.speech.cartesia_tts import SPEECH_RATE, CartesiaTextToSpeech
from server.speech.openai_http import OpenAIServer
from tests.fakes.cartesia_server import FakeCartesiaServer, cartesia_server

KEY = "sk_car_nobody-may-see-this"
LONG = "word " * 300


@pytest.fixture
async def server() -> AsyncIterator[FakeCartesiaServer]:
    async with cartesia_server() as running:
        yield running


@pytest.fixture
async def tts(server: FakeCartesiaServer) -> AsyncIterator[CartesiaTextToSpeech]:
    client = CartesiaTextToSpeech(
        OpenAIServer(server.base_url, KEY), model="tiny", voice="ann", languages=["en", "pt"], silence_s=0.5
    )
    yield client
    await client.close()


async def sound(tts: CartesiaTextToSpeech, text: str = "two words", voice: str = "", language: str = "") -> bytes:
    return b"".join([pcm.data async for pcm in tts.synthesize(text, voice, language)])


async def test_a_request(server: FakeCartesiaServer, tts: CartesiaTextToSpeech) -> None:
    """A text has the model, the voice, the language and the format; its sound comes in whole samples."""
    async for pcm in tts.synthesize("two words", "", "pt-BR"):
        assert (pcm.rate, len(pcm.data) % 2) == (SPEECH_RATE, 0)
    (asked,) = server.asked
    assert (asked["model_id"], asked["voice"], asked["language"]) == ("tiny", {"mode": "id", "id": "ann"}, "pt")
    assert asked["output_format"] == {"container": "raw", "encoding": "pcm_s16le", "sample_rate": SPEECH_RATE}
    assert (asked["transcript"], asked["continue"], server.keys) == ("two words", False, [f"Bearer {KEY}"])
    assert len(await sound(tts, voice="bob")) == 2 * 2 * 7_200
    assert (server.asked[1]["voice"]["id"], "language" in server.asked[1]) == ("bob", False)


async def test_texts_share_one_connection(server: FakeCartesiaServer, tts: CartesiaTextToSpeech) -> None:
    """Texts at the same time have a context each, and none gets the sound of another."""
    lengths = [len(each) for each in await asyncio.gather(*(sound(tts, "word " * count) for count in (1, 5, 3)))]
    assert lengths == [2 * 7_200 * count for count in (1, 5, 3)]
    assert (server.connections, len({asked["context_id"] for asked in server.asked})) == (1, 3)


async def test_leaving_a_text_cancels_only_its_context(server: FakeCartesiaServer, tts: CartesiaTextToSpeech) -> None:
    """The server is told to stop; another text on the same connection is spoken to its end."""
    leaving, staying = tts.synthesize(LONG, ""), asyncio.create_task(sound(tts, "word " * 20))
    await anext(leaving)
    await leaving.aclose()
    assert len(await staying) == 2 * 7_200 * 20
    async with asyncio.timeout(5):
        while not server.cancelled:
            await sound(tts, "yes")
    assert server.cancelled == [asked["context_id"] for asked in server.asked if asked["transcript"] == LONG]
    assert server.connections == 1


@pytest.mark.parametrize("fault", ["close", "garbage"])
async def test_a_connection_that_is_lost_before_the_first_sound(
    server: FakeCartesiaServer, tts: CartesiaTextToSpeech, fault: str
) -> None:
    """The text is asked for again on a new connection; after two failures it is an EngineError, and the next works."""
    server.faults.append(fault)
    assert len(await sound(tts)) == 2 * 2 * 7_200
    assert server.connections == 2
    server.faults.extend([fault, fault])
    with pytest.raises(EngineError, match="hung up"):
        await sound(tts)
    assert await sound(tts)


@pytest.mark.parametrize(
    ("fault", "why"), [("429", "asked too often"), ("400", "status 400"), ("hang", "was silent"), ("middle", "hung up")]
)
async def test_every_failure_is_an_engine_error(
    server: FakeCartesiaServer, tts: CartesiaTextToSpeech, fault: str, why: str
) -> None:
    """Within the deadline, without the key in it, and the next text works."""
    server.faults.append(fault)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError, match=why) as caught:
            await sound(tts)
    assert (caught.value.stage, KEY in f"{caught.value!r}{caught.value.__cause__!r}") == ("text-to-speech", False)
    assert caught.value.refused == (fault == "400")
    assert await sound(tts)


async def test_texts_that_begin_at_the_same_time_share_a_failed_opening(
    server: FakeCartesiaServer, tts: CartesiaTextToSpeech
) -> None:
    """Callers of a server that is away would wait one after the other otherwise. The next text tries again."""
    server.refusals.append(503)
    results = await asyncio.gather(*(sound(tts) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [EngineError] * 3
    assert len(server.keys) == 1
    assert await sound(tts)


async def test_a_refused_handshake(server: FakeCartesiaServer, tts: CartesiaTextToSpeech) -> None:
    """A wrong key and a server that is away are EngineErrors."""
    server.refusals.append(401)
    with pytest.raises(EngineError, match="the key is not accepted"):
        await sound(tts)
    away = CartesiaTextToSpeech(OpenAIServer("ws://127.0.0.1:9"), voice="ann")
    with pytest.raises(EngineError, match="cannot be reached"):
        await sound(away)
    await away.close()
