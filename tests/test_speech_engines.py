"""The speech engines that settings name: one, several, one's own, and those that cannot be used."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.config import load
from server.errors import ConfigError
from server.media.pacer import Pacer
from server.speech.protocols import Asker
from server.speech_to_text import speech_to_text
from server.telemetry.exporter import Exporter
from server.telemetry.monitor import Monitor
from server.text_to_speech import text_to_speech
from signaling.health import Health
from tests.fakes.cartesia_server import cartesia_server
from tests.fakes.openai_server import openai_server, refuse
from tests.fakes.realtime_server import realtime_server

ROOT = Path(__file__).parent.parent
OWN = f"{ROOT}/tests/fakes/own_engines.py"
SECOND = b"\0\x10" * 16_000


class Start:
    """Starts engines, and closes them at the end."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack, self.told = stack, list[str]()
        self.exporter = Exporter()
        stack.callback(self.exporter.close)
        self.served: list[str] = []
        """What is kept as the names of the engines: first what is known before a request, and then what is told."""
        self.monitor = Monitor(self.exporter.meter, Pacer(), Health())

    def requests(self) -> dict[tuple[str, str, str], float]:
        """The requests to each of several engines, by stage, engine and end, as Prometheus reads them."""
        return {
            (sample.labels["stage"], sample.labels["engine"], sample.labels["end"]): sample.value
            for family in text_string_to_metric_families(self.exporter.text().decode())
            for sample in family.samples
            if sample.name == "antiphon_speech_engine_requests_total"
        }

    async def stt(self, **given: Any) -> str:
        """The transcript of a second of sound."""
        engine, name = await speech_to_text(load(**given), "en", self.stack, self.told.append, self.monitor)
        self.served.append(name)
        stream = engine.listen([], lambda text: None, asker=Asker(served=self.served.append))
        stream.feed(SECOND)
        text = await stream.transcript()
        await stream.close()
        return text

    async def tts(self, **given: Any) -> int:
        """How many bytes two words have."""
        engine, name = await text_to_speech(load(**given), ["en"], self.stack, self.told.append, self.monitor)
        self.served.append(name)
        asker = Asker(served=self.served.append)
        return sum([len(pcm.data) async for pcm in engine.synthesize("two words", "", asker=asker)])


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:
        yield Start(stack)


async def test_one_speech_to_text_of_each_new_kind(start: Start) -> None:
    """The Realtime API and one's own engine are named in the settings, and told to the operator."""
    async with realtime_server() as server:
        words = await start.stt(stt="realtime", stt_url=server.base_url, stt_model="tiny", stt_api_key="sk")
        assert (words, server.keys, server.sessions[0]["transcription"]) == (
            "word word",
            ["Bearer sk"],
            {"model": "tiny"},
        )
        await start.stack.aclose()
    assert await start.stt(stt=f"{OWN}:BlockingSpeechToText") == "word word"
    assert start.told == ["speech-to-text  realtime", f"speech-to-text  {OWN}:BlockingSpeechToText"]
    assert start.served == ["realtime tiny", f"{OWN}:BlockingSpeechToText"]
    await start.stack.aclose()


async def test_one_text_to_speech_of_each_new_kind(start: Start) -> None:
    """Likewise for Cartesia's WebSocket."""
    async with cartesia_server() as server:
        assert await start.tts(tts="cartesia", tts_url=server.base_url, tts_voice="ann", tts_model="tiny") == 28_800
        assert (server.asked[0]["voice"]["id"], server.asked[0]["model_id"]) == ("ann", "tiny")
        await start.stack.aclose()
    assert await start.tts(tts=f"{OWN}:HummingTextToSpeech") == 28_800
    await start.stack.aclose()


async def test_lists_have_their_values_in_the_same_order(start: Start) -> None:
    """Each engine has its own address, key, model and voice. The next one serves when one fails, which is counted."""
    async with openai_server() as first, realtime_server() as second, cartesia_server() as third:
        first.answers.extend([refuse(500), refuse(500)])
        urls, keys, models = f"{first.base_url},{second.base_url},", "one, two", ",small"
        engines = f"openai, realtime, {OWN}:BlockingSpeechToText"
        assert await start.stt(stt=engines, stt_url=urls, stt_api_key=keys, stt_model=models) == "word word"
        assert (first.keys, second.keys) == (["Bearer one"], ["Bearer two"])
        assert (first.forms[0]["model"], second.sessions[0]["transcription"]) == ("whisper-1", {"model": "small"})
        assert start.served == ["openai", "realtime small"]
        urls, voices = f"{first.base_url},{third.base_url}", "coral,ann"
        assert await start.tts(tts="openai,cartesia", tts_url=urls, tts_voice=voices) == 28_800
        assert (first.forms[1]["voice"], third.asked[0]["voice"]["id"]) == ("coral", "ann")
        assert start.requests() == {
            ("speech-to-text", "openai", "failed"): 1,
            ("speech-to-text", "realtime", "served"): 1,
            ("text-to-speech", "openai", "failed"): 1,
            ("text-to-speech", "cartesia", "served"): 1,
        }
        await start.stack.aclose()
    assert start.told[0] == f"speech-to-text  openai, else realtime, else {OWN}:BlockingSpeechToText"


async def test_two_engines_of_one_kind_have_different_names(start: Start) -> None:
    """As two servers that speak the same protocol."""
    async with openai_server() as server:
        server.answers.append(refuse(429))
        urls = f"{server.base_url},{server.base_url}"
        assert await start.stt(stt="openai,openai", stt_url=urls) == "word word"
        assert start.requests() == {
            ("speech-to-text", "openai", "failed"): 1,
            ("speech-to-text", "openai 2", "served"): 1,
        }
        await start.stack.aclose()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"stt": "realtime"}, "the engine realtime needs ANTIPHON_STT_URL"),
        ({"stt": "realtime,openai", "stt_url": "http://127.0.0.1:9/v1"}, "the engine openai needs ANTIPHON_STT_URL"),
        ({"stt": "realtime", "stt_url": "host"}, "does not begin with"),
        ({"stt": "openai,,whisper"}, "there is an empty name in it"),
        ({"stt": "deepgram"}, "ANTIPHON_STT: there is no speech-to-text engine 'deepgram'"),
        ({"stt": "nothing.py:stt"}, "ANTIPHON_STT: 'nothing.py:stt' is not path/to/file.py:name"),
        ({"stt": f"{OWN}:Missing"}, "Missing does not start: it has no method listen"),
        ({"tts": "cartesia"}, "the engine cartesia needs ANTIPHON_TTS_VOICE"),
        ({"tts": "nobody"}, "ANTIPHON_TTS: there is no text-to-speech engine 'nobody'"),
        ({"tts": f"{OWN}:BlockingSpeechToText"}, "it has no method synthesize"),
    ],
)
async def test_what_cannot_be_used_is_a_clear_line(start: Start, given: dict[str, str], why: str) -> None:
    """The operator reads which setting or engine it is."""
    with pytest.raises(ConfigError, match=why.replace("(", r"\(")):
        await (start.stt(**given) if "stt" in given else start.tts(**given))
    await start.stack.aclose()


async def test_an_engine_of_this_machine_is_kept_with_its_own_name(start: Start) -> None:
    """Not with the word of the settings, such as "auto", which may mean another engine tomorrow."""
    assert await start.tts(tts="auto", models_dir=Path("nowhere")) > 0
    assert "auto" not in start.served
    assert len(set(start.served)) == 1
    await start.stack.aclose()
