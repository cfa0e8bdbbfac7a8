import asyncio
import contextlib

import pytest
from wyoming.audio import AudioStop
from wyoming.error import Error
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import ConfigError, EngineError
from server.speech import wyoming_client
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.fakes.wyoming_script import SECOND, Talk, server
from tests.fakes.wyoming_server import INFO


async def test_a_server_that_does_not_name_its_languages(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a server does not name its languages, a call may choose only those that the operator named, by their tag."""
    monkeypatch.setattr(wyoming_client, "DESCRIBE_S", 0.1)
    asked: list[SynthesizeVoice | None] = []

    async def script(talk: Talk) -> None:
        asked.append(Synthesize.from_event(await talk.hear(Synthesize)).voice)
        await talk.say(AudioStop())

    async with server(script) as uri:
        tts = WyomingTextToSpeech(uri, languages=["de"])
        await tts.learn()
        assert tts.languages == ["de"]
        assert [pcm async for pcm in tts.synthesize("Hello", "", "de-CH")] == []
        await tts.close()
    assert asked == [SynthesizeVoice(language="de")]
    for client in (WyomingSpeechToText, WyomingTextToSpeech):
        nobody = client(f"tcp://127.0.0.1:{unused_tcp_port}")
        await nobody.learn()
        assert nobody.languages == ()
        await nobody.close()


@pytest.mark.parametrize("client", [WyomingSpeechToText, WyomingTextToSpeech])
async def test_a_server_that_starts_later_is_asked_again(
    client: type[WyomingSpeechToText] | type[WyomingTextToSpeech],
    unused_tcp_port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that is down at the start is logged and asked again. When it is up, calls can choose its languages."""
    monkeypatch.setattr(wyoming_client, "ASK_AGAIN_S", 0.01)
    told = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.hear(Describe)
        await talk.say(INFO)
        with contextlib.suppress(EOFError, ConnectionResetError):
            await talk.hear(Error)  # wait for the client to leave: it has its answer
        told.set()

    speech = client(f"tcp://127.0.0.1:{unused_tcp_port}")
    await speech.learn()
    assert speech.languages == ()
    assert "server cannot be reached" in caplog.text
    async with server(script, unused_tcp_port), asyncio.timeout(10):
        await told.wait()
    assert "en" in {tag[:2] for tag in speech.languages}
    await speech.close()


async def test_a_server_that_cannot_be_reached(unused_tcp_port: int) -> None:
    """A server that cannot be reached is an EngineError within the deadline."""
    for uri in (f"tcp://127.0.0.1:{unused_tcp_port}", "unix:///nowhere/at/all"):
        stt, tts = WyomingSpeechToText(uri, connect_s=0.1), WyomingTextToSpeech(uri, connect_s=0.1)
        stream = stt.listen([], print)
        stream.feed(SECOND)
        with pytest.raises(EngineError, match="cannot be reached"):
            await stream.transcript()
        with pytest.raises(EngineError, match="cannot be reached"):
            assert [pcm async for pcm in tts.synthesize("Hello", "")]
        await stt.close()


@pytest.mark.parametrize(
    "uri", ["", "localhost:10300", "tcp://localhost", "tcp://:1", "tcp://a:99999", "unix://", "x://a:1"]
)
def test_an_invalid_address_is_a_config_error(uri: str) -> None:
    """An address that is neither a socket's path nor a host with a port is a ConfigError when the client is made."""
    with pytest.raises(ConfigError):
        WyomingSpeechToText(uri)
