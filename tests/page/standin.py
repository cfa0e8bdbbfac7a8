"""A small true server for the page: its files, and calls that carry a data channel and no sound."""

import asyncio
import json
import mimetypes
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

STATIC = Path(__file__).parents[2] / "static"
CSP = "default-src 'self'; style-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:"


class Standin:
    """Answers offers, keeps what the page sends, and says what a test tells it to."""

    def __init__(self) -> None:
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.gone = False
        self.ice_servers: list[dict[str, Any]] | None = []
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=100)
        self.candidates: list[dict[str, Any]] = []
        self.ended = asyncio.Event()
        self.hung_up = asyncio.Event()
        self._pc: RTCPeerConnection | None = None
        self._channel: RTCDataChannel | None = None
        app = web.Application()
        app.on_response_prepare.append(_secure)
        app.router.add_post("/api/offer", self._offer)
        app.router.add_patch("/api/offer", self._patch)
        app.router.add_delete("/api/offer", self._delete)
        app.router.add_get("/api/ice-servers", self._ice_servers)
        app.router.add_get("/{name:[a-z]*[.]?[a-z]*}", self._file)
        self.server = TestServer(app)

    def say(self, *messages: dict[str, Any]) -> None:
        assert self._channel is not None
        for message in messages:
            self._channel.send(json.dumps(message))

    async def hears(self, kind: str) -> dict[str, Any]:
        """The next message of this type."""
        async with asyncio.timeout(5):
            while (message := await self.received.get())["type"] != kind:
                pass
        return message

    async def drop(self) -> None:
        """End the connection without a word."""
        if self._pc is not None:
            await self._pc.close()

    async def _file(self, request: web.Request) -> web.Response:
        """In one piece: a FileResponse that the page gives up half-way leaves its file to the garbage collector."""
        path = STATIC / (request.match_info["name"] or "index.html")
        return web.Response(body=path.read_bytes(), content_type=mimetypes.guess_type(path)[0])

    async def _ice_servers(self, request: web.Request) -> web.Response:
        if self.ice_servers is None:
            return web.json_response({}, status=404)
        return web.json_response({"iceServers": self.ice_servers, "ttl": 60})

    async def _offer(self, request: web.Request) -> web.Response:
        offer = await request.json()
        if self.gone and request.transport is not None:
            request.transport.abort()
        if self.refusal:
            status, body = self.refusal
            return web.json_response(body, status=status)
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.on("datachannel", self._on_channel)
        await self._pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        answer = {"sdp": self._pc.localDescription.sdp, "type": "answer", "pc_id": "pc 1", "session_id": "s"}
        return web.json_response(answer)

    async def _patch(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["pc_id"] == "pc 1"
        self.candidates += body["candidates"]
        if not self.candidates[-1]["candidate"]:
            self.ended.set()
        return web.json_response({"status": "success"})

    async def _delete(self, request: web.Request) -> web.Response:
        assert request.query["pc_id"] == "pc 1"
        self.hung_up.set()
        return web.json_response({"status": "success"})

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._on_message)
        self.say({"type": "session", "session_id": "s", "agent": "Marta"}, {"type": "state", "state": "listening"})

    def _on_message(self, data: str) -> None:
        message = json.loads(data)
        self.received.put_nowait(message)
        if message["type"] == "ping":
            self.say({"type": "pong", "t": message["t"]})


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = CSP
