"""A small true server of the Realtime API's transcription sessions. Its words tell how long the sound was.

`faults` scripts failures: each connection takes the next of them, until none is left.
"""

import asyncio
import base64
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer

RATE = 24_000
WORD_S = 0.5
"""A transcript has one word for each half second of sound that is not silent."""

_ANSWER = "conversation.item.input_audio_transcription"


@dataclass
class FakeRealtimeServer:
    base_url: str = ""
    faults: deque[str] = field(default_factory=deque)
    """What goes wrong on the next connections: "429" and other statuses; "elsewhere" redirects; "hang", "close",
    "garbage", "error" and "failed" happen at the commit; "deaf" closes at the first sound; "" is a good connection."""
    sessions: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    keys: list[str | None] = field(default_factory=list)
    committed_bytes: list[int] = field(default_factory=list)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    """The connections that are open."""

    async def realtime(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.popleft() if self.faults else ""
        self.keys.append(request.headers.get("Authorization"))
        if fault == "elsewhere":
            raise web.HTTPFound(f"{self.base_url.replace('127.0.0.1', 'localhost')}/realtime?intent=transcription")
        if fault.isdigit():
            return web.Response(status=int(fault), text="no")
        assert request.query["intent"] == "transcription"
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "session.created", "session": {}})
        self.sockets.add(socket)
        with contextlib.suppress(ConnectionError):
            await self._serve(socket, fault)
        self.sockets.discard(socket)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, fault: str) -> None:
        sound, number, told = bytearray(), self.connections * 1_000, 0
        async for message in socket:
            event = json.loads(message.data)
            item = f"item_{number}"
            if event["type"] == "session.update":
                assert event["session"]["type"] == "transcription"
                self.sessions.append(event["session"]["audio"]["input"])
                await socket.send_json({"type": "session.updated", "session": event["session"]})
            elif event["type"] == "input_audio_buffer.append":
                if fault == "deaf":
                    await socket.close()
                    return
                sound += base64.b64decode(event["audio"])
                if fault != "hang":
                    words = self._words(sound)
                    if len(words) > told:
                        new = " ".join(["", *words[told:]])
                        await socket.send_json({"type": f"{_ANSWER}.delta", "item_id": item, "delta": new})
                        told = len(words)
            elif not await self._misbehave(socket, fault, item):
                assert event["type"] == "input_audio_buffer.commit"
                await self._commit(socket, item, bytes(sound))
                number, told = number + 1, 0
                sound.clear()

    async def _misbehave(self, socket: web.WebSocketResponse, fault: str, item: str) -> bool:
        error = {"type": "server_error", "code": "rate_limit_exceeded", "message": f"the key is {self.keys[-1]}"}
        if fault == "close":
            await socket.close()
        elif fault == "garbage":
            await socket.send_str("<html>")
        elif fault == "error":
            await socket.send_json({"type": "error", "error": error})
        elif fault == "failed":
            await socket.send_json({"type": f"{_ANSWER}.failed", "item_id": item, "error": error})
        return bool(fault)

    async def _commit(self, socket: web.WebSocketResponse, item: str, sound: bytes) -> None:
        if len(sound) < 2 * RATE // 10:
            error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty"}
            await socket.send_json({"type": "error", "error": error})
            return
        self.committed_bytes.append(len(sound))
        await socket.send_json({"type": "input_audio_buffer.committed", "item_id": item})
        await asyncio.sleep(0)
        words = " ".join(self._words(sound))
        await socket.send_json({"type": f"{_ANSWER}.completed", "item_id": item, "transcript": words})

    @staticmethod
    def _words(sound: bytes | bytearray) -> list[str]:
        loud = np.count_nonzero(np.abs(np.frombuffer(bytes(sound), "<i2").astype(int)) > 8)
        return ["word"] * round(loud / RATE / WORD_S)


@asynccontextmanager
async def realtime_server() -> AsyncIterator[FakeRealtimeServer]:
    server = FakeRealtimeServer()
    app = web.Application()
    app.add_routes([web.get("/v1/realtime", server.realtime)])
    async with TestServer(app, host="127.0.0.1", handler_cancellation=True, shutdown_timeout=0.1) as running:
        server.base_url = str(running.make_url("/v1"))
        yield server
