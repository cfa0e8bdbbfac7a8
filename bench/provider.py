"""A neutral OpenAI-compatible provider with set delays, so that servers that use it differ only by their own work.

    python -m bench.provider --port 9000 --stt-ms 30 --first-token-ms 50 --tts-ms 30

It transcribes any sound as the same question, gives the same answer to any text, and speaks any text as the same tone.
It computes nothing, so it takes hardly any CPU from the servers that are measured. `GET /count` tells how often each of
the three was asked, and `GET /times` when each request for an answer came and when the answer to it began.
"""

import argparse
import asyncio
import json
import math
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientConnectionResetError, web

from bench.common.sentences import ANSWER, QUESTION

SPEECH_RATE = 24_000
"""Samples a second of what it speaks, as in OpenAI's API."""
TONE_HZ = 440
TONE_LEVEL = 9_000
"""The tone's peak, where full scale is 32767."""
CHUNK_BYTES = 9_600
"""How much speech it sends at a time: 200 ms."""
MAX_BODY_BYTES = 64 << 20
"""The largest request it takes."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long the provider waits, in ms, counted from the end of a request."""

    stt_ms: float = 30
    """Until the transcript is there."""
    first_token_ms: float = 50
    """Until the first word of an answer."""
    token_ms: float = 5
    """After each word of an answer."""
    tts_ms: float = 30
    """Until the first sound of a clause."""


class NeutralProvider:
    """The three endpoints that a voice agent needs: transcription, chat completion and speech."""

    def __init__(self, delays: Delays, speech_s: float) -> None:
        self._delays = delays
        self._speech = tone(speech_s)
        self._asked: Counter[str] = Counter()
        self._times: list[dict[str, float]] = []
        """For each request for an answer: `asked` and `begun` in seconds of the machine's steady clock."""

    async def transcribe(self, request: web.Request) -> web.Response:
        await request.post()
        self._asked["stt"] += 1
        await asyncio.sleep(self._delays.stt_ms / 1000)
        return web.json_response({"text": QUESTION})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        times = {"asked": time.monotonic()}
        body = await request.json()
        self._asked["llm"] += 1
        await asyncio.sleep(self._delays.first_token_ms / 1000)
        if not body.get("stream"):
            return web.json_response(_completion(body.get("model", "")))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._times.append({**times, "begun": time.monotonic()})
        for word in ANSWER.split():
            await response.write(_event(_delta(body.get("model", ""), {"role": "assistant", "content": f"{word} "})))
            await asyncio.sleep(self._delays.token_ms / 1000)
        await response.write(_event(_delta(body.get("model", ""), {}, "stop")) + b"data: [DONE]\n\n")
        return response

    async def speak(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self._asked["tts"] += 1
        await asyncio.sleep(self._delays.tts_ms / 1000)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        for start in range(0, len(self._speech), CHUNK_BYTES):
            await response.write(self._speech[start : start + CHUNK_BYTES])
        return response

    async def count(self, request: web.Request) -> web.Response:
        return web.json_response(dict(self._asked))

    async def times(self, request: web.Request) -> web.Response:
        return web.json_response(self._times)


def application(delays: Delays, speech_s: float) -> web.Application:
    """The provider's HTTP application; each clause that it speaks sounds for `speech_s`."""
    provider = NeutralProvider(delays, speech_s)
    app = web.Application(middlewares=[_hung_up], client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/v1/audio/transcriptions", provider.transcribe)
    app.router.add_post("/v1/chat/completions", provider.complete)
    app.router.add_post("/v1/audio/speech", provider.speak)
    app.router.add_get("/count", provider.count)
    app.router.add_get("/times", provider.times)
    return app


def tone(seconds: float) -> bytes:
    """A steady tone as 24 kHz PCM. There is no doubt about which part of it is audible."""
    step = 2 * math.pi * TONE_HZ / SPEECH_RATE
    samples = (int(TONE_LEVEL * math.sin(step * i)) for i in range(round(seconds * SPEECH_RATE)))
    return b"".join(struct.pack("<h", sample) for sample in samples)


@web.middleware
async def _hung_up(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Log nothing when a server hangs up, which it does when it drops a prepared answer or is interrupted."""
    try:
        return await handler(request)
    except (ConnectionResetError, ClientConnectionResetError):
        return web.Response()


def _completion(model: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**_head(model), "object": "chat.completion", "choices": [choice], "usage": usage}


def _delta(model: str, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_head(model), "object": "chat.completion.chunk", "choices": [choice]}


def _head(model: str) -> dict[str, Any]:
    return {"id": "bench", "created": 0, "model": model}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.provider", description="An OpenAI-compatible provider.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--stt-ms", type=float, default=30, help="until a transcript is there")
    parser.add_argument("--first-token-ms", type=float, default=50, help="until the first word of an answer")
    parser.add_argument("--token-ms", type=float, default=5, help="between the words of an answer")
    parser.add_argument("--tts-ms", type=float, default=30, help="until the first sound of a clause")
    parser.add_argument("--speech-s", type=float, default=2.0, help="how long each clause sounds")
    given = parser.parse_args()
    delays = Delays(given.stt_ms, given.first_token_ms, given.token_ms, given.tts_ms)
    web.run_app(application(delays, given.speech_s), host="127.0.0.1", port=given.port, access_log=None)


if __name__ == "__main__":
    main()
