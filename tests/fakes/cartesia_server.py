"""A small true server of Cartesia's WebSocket for speech: contexts side by side on each connection. It speaks a hum.

`faults` scripts failures: each text takes the next of them, until none is left.
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

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.openai_server import hum


@dataclass
class FakeCartesiaServer:
    base_url: str = ""
    faults: deque[str] = field(default_factory=deque)
    """What goes wrong with the next texts: "hang", "close", "garbage", "429" and other statuses, each before the first
    sound; "middle" closes the connection after the first sound; "" is well."""
    refusals: deque[int] = field(default_factory=deque)
    """The statuses with which the next handshakes are answered."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    connections: int = 0
    keys: list[str | None] = field(default_factory=list)

    async def speak(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization"))
        assert request.headers["Cartesia-Version"]
        if self.refusals:
            return web.Response(status=self.refusals.popleft())
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        speaking: dict[str, asyncio.Task[None]] = {}
        try:
            async for message in socket:
                event = json.loads(message.data)
                if event.get("cancel"):
                    self.cancelled.append(event["context_id"])
                    speaking[event["context_id"]].cancel()
                else:
                    self.asked.append(event)
                    fault = self.faults.popleft() if self.faults else ""
                    speaking[event["context_id"]] = asyncio.create_task(self._say(socket, event, fault))
        finally:
            for task in speaking.values():
                task.cancel()
        return socket

    async def _say(self, socket: web.WebSocketResponse, event: dict[str, Any], fault: str) -> None:
        context = {"context_id": event["context_id"]}
        with contextlib.suppress(ConnectionError):
            if fault == "hang":
                return
            if fault == "close":
                await socket.close()
            elif fault == "garbage":
                await socket.send_str("[1, 2")
            elif fault:
                await self._fail(socket, context, fault)
            else:
                for _ in event["transcript"].split():
                    for piece in (hum(0.3)[:-1], hum(0.3)[-1:]):  # a network may cut the sound inside a sample
                        data = base64.b64encode(piece).decode()
                        await socket.send_json({"type": "chunk", "data": data, "done": False, **context})
                    await asyncio.sleep(0)
                await socket.send_json({"type": "done", "done": True, "status_code": 206, **context})

    async def _fail(self, socket: web.WebSocketResponse, context: dict[str, str], fault: str) -> None:
        if fault == "middle":
            data = base64.b64encode(hum(1.0)).decode()
            await socket.send_json({"type": "chunk", "data": data, "done": False, **context})
            await asyncio.sleep(0.05)
            await socket.close()
            return
        error = {"type": "error", "done": True, "error_code": "concurrency_limit", "message": f"key {self.keys[-1]}"}
        await socket.send_json({**error, "status_code": int(fault), **context})


@asynccontextmanager
async def cartesia_server() -> AsyncIterator[FakeCartesiaServer]:
    server = FakeCartesiaServer()
    app = web.Application()
    app.add_routes([web.get("/tts/websocket", server.speak)])
    async with TestServer(app, host="127.0.0.1", handler_cancellation=True, shutdown_timeout=0.1) as running:
        server.base_url = str(running.make_url("")).rstrip("/")
        yield server
