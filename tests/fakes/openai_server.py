"""A small true server of OpenAI's audio API. Its transcripts tell how long the sound was, and its speech is a hum.

`answers` scripts failures: each request takes the next of them, until none is left.
"""

import asyncio
import io
import json
import wave
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer

RATE = 24_000
WORD_S = 0.5
"""A transcript has one word for each half second of sound."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeOpenAIServer:
    base_url: str = ""
    answers: deque[Answer] = field(default_factory=deque)
    forms: list[dict[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an answer with speech is over, also when the client has left."""

    async def transcriptions(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        self.forms.append({name: value for name, value in form.items() if isinstance(value, str)})
        self.keys.append(request.headers.get("Authorization"))
        with file.file:
            sound = io.BytesIO(file.file.read())
        if self.answers:
            return await self.answers.popleft()(request)
        with wave.open(sound) as wav:
            samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
            seconds = np.count_nonzero(samples) / wav.getframerate()
        return web.json_response({"text": " ".join(["word"] * round(seconds / WORD_S))})

    async def speech(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.forms.append(asked)
        if self.answers:
            return await self.answers.popleft()(request)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        try:
            for _ in asked["input"].split():
                await response.write(hum(0.3)[:-1])  # a network may cut the sound inside a sample
                await response.write(hum(0.3)[-1:])
        finally:
            self.spoken.set()
        return response


def hum(seconds: float) -> bytes:
    return (np.sin(np.arange(int(seconds * RATE)) / 10) * 8000).astype("<i2").tobytes()


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def refuse(status: int) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"error": {"message": f"wrong key {request.headers.get('Authorization')}"}}, status=status
        )

    return answer


def say(body: bytes) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return answer


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Send half of an answer, then end the connection."""
    response = web.StreamResponse()
    response.content_length = 10_000
    await response.prepare(request)
    await response.write(json.dumps({"text": "half"}).encode()[:-2])
    assert request.transport is not None
    request.transport.abort()
    return response


@asynccontextmanager
async def openai_server() -> AsyncIterator[FakeOpenAIServer]:
    server = FakeOpenAIServer()
    app = web.Application(client_max_size=8 << 20)
    app.add_routes(
        [web.post("/v1/audio/transcriptions", server.transcriptions), web.post("/v1/audio/speech", server.speech)]
    )
    async with TestServer(app, handler_cancellation=True, shutdown_timeout=0.1) as running:
        server.base_url = str(running.make_url("/v1"))
        yield server
