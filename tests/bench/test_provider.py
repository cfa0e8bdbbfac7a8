"""The neutral provider that the benches use for models."""

import json

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from bench.common.sentences import ANSWER
from bench.provider import Delays, application


async def test_the_provider_hears_answers_and_speaks() -> None:
    """The provider transcribes, streams an answer and streams speech, as an OpenAI-compatible client expects it."""
    async with TestClient(TestServer(application(Delays(0, 0, 0, 0), speech_s=0.5))) as client:
        form = aiohttp.FormData({"model": "m"})
        form.add_field("file", b"RIFF", filename="speech.wav")
        heard = await (await client.post("/v1/audio/transcriptions", data=form)).json()
        lines = (await (await client.post("/v1/chat/completions", json={"stream": True})).text()).split("\n\n")
        sound = await (await client.post("/v1/audio/speech", json={"input": "hello"})).read()
        asked = await (await client.get("/count")).json()
    deltas = [json.loads(line.removeprefix("data: ")) for line in lines if "chunk" in line]
    assert heard["text"]
    assert "".join(delta["choices"][0]["delta"].get("content", "") for delta in deltas).strip() == ANSWER
    assert deltas[-1]["choices"][0]["finish_reason"] == "stop"
    assert len(sound) == 24_000
    assert asked == {"stt": 1, "llm": 1, "tts": 1}
