"""A small but real server for the page: serves its files, and holds conversations over data channels and WebSockets."""

import asyncio
import json
import mimetypes
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

STATIC = Path(__file__).parents[2] / "static"
CSP = "default-src 'self'; style-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:"


class ChannelLine:
    """A conversation's connection to the page over WebRTC."""

    def __init__(self, pc: RTCPeerConnection, channel: RTCDataChannel) -> None:
        self._pc = pc
        self._channel = channel

    def send(self, data: str) -> None:
        self._channel.send(data)

    async def drop(self) -> None:
        await self._pc.close()


class SocketLine:
    """A conversation's connection to the page over a WebSocket."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket
        self.unsent: asyncio.Queue[str | bytes] = asyncio.Queue(maxsize=100)

    def send(self, data: str | bytes) -> None:
        self.unsent.put_nowait(data)

    async def drop(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self) -> None:
        while True:
            data = await self.unsent.get()
            await (self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data))


class Standin:
    """Answers offers and sockets, keeps what the page sends, and sends what a test tells it to."""

    def __init__(self) -> None:
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.refused = 0
        self.gone = False
        self.deaf = False
        """Whether to leave pings unanswered, until there is another connection."""
        self.without_sockets = False
        self.greets = False
        """Whether the agent speaks as soon as a call begins."""
        self.agent: dict[str, Any] = {
            "name": "The desk",
            "about": "It knows the stock of the shop.",
            "examples": [
                "Have you a kettle?",
                "When do you close?",
                "Where is my order?",
                "Call me back.",
                "Too many.",
            ],
        }
        """Who answers, as the page is told before the call; in the call it is Marta."""
        self.recorded = False
        self.token = ""
        """The only token that is good, if calls need one. Every refusal counts in `refused`."""
        self.tokens: list[dict[str, str]] = []
        """The headers of each request for a token at /token, which gives out the good one."""
        self.tokenless: list[str] = []
        """The requests that came without the good token."""
        self.ice_servers: list[dict[str, Any]] | None = []
        self.servers_for: list[str] = []
        """For which conversations the ICE servers were asked for; "" for a new one."""
        self.walled = False
        """Whether to answer without candidates, so that nothing gets through, as behind a firewall."""
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=1000)
        self.sound: asyncio.Queue[bytes] = asyncio.Queue(maxsize=3000)
        self.offers: list[dict[str, Any]] = []
        self.starts: list[tuple[str, dict[str, Any]]] = []
        """For each WebSocket: the conversation that its address names, and its first message."""
        self.close_codes: list[int | None] = []
        """For each WebSocket that the page has closed: the close code."""
        self.candidates: list[dict[str, Any]] = []
        self.ended = asyncio.Event()
        self.hung_up = asyncio.Event()
        self._line: ChannelLine | SocketLine | None = None
        self._lines = 0
        self._peers: list[RTCPeerConnection] = []
        app = web.Application(middlewares=[self._check])
        app.on_response_prepare.append(_secure)
        app.router.add_post("/api/offer", self._offer)
        app.router.add_patch("/api/offer", self._patch)
        app.router.add_delete("/api/offer", self._delete)
        app.router.add_get("/api/ice-servers", self._ice_servers)
        app.router.add_get("/api/agent", self._who_answers)
        app.router.add_post("/token", self._token)
        app.router.add_get("/api/voice/conversation/{session_id}", self._socket)
        app.router.add_get("/{name:[a-z]*[.]?[a-z]*}", self._file)
        self.server = TestServer(app)

    def say(self, *messages: dict[str, Any]) -> None:
        assert self._line is not None
        for message in messages:
            self._line.send(json.dumps(message))

    def play(self, reply: int, pcm: bytes) -> None:
        """Send sound of an answer, as 16 kHz PCM."""
        assert isinstance(self._line, SocketLine)
        self.say({"type": "audio", "reply": reply})
        self._line.send(pcm)

    async def hears(self, kind: str) -> dict[str, Any]:
        """Return the next message of this type from the page."""
        async with asyncio.timeout(5):
            while (message := await self.received.get())["type"] != kind:
                pass
        return message

    async def drop(self) -> None:
        """Break the connection without telling the page."""
        if self._line is not None:
            await self._line.drop()

    async def close(self) -> None:
        await self.drop()
        for pc in self._peers:
            await pc.close()
        await self.server.close()

    @web.middleware
    async def _check(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let in who has the token, in the way that fits the request."""
        offered = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        given = {
            request.headers.get("Authorization", ""),
            *(f"Bearer {each[7:]}" for each in offered if each[:7] == "bearer."),
        }
        open_to_all = request.path == "/api/agent" or not request.path.startswith("/api/")
        if not self.token or open_to_all or f"Bearer {self.token}" in given:
            response: web.StreamResponse = await handler(request)
            return response
        self.tokenless.append(f"{request.method} {request.path}")
        body = {"error": {"code": "invalid_token", "message": "The token has expired."}}
        return web.json_response(body, status=401)

    async def _token(self, request: web.Request) -> web.Response:
        self.tokens.append(dict(request.headers))
        return web.json_response({"token": self.token} if self.token else {}, status=200 if self.token else 403)

    async def _file(self, request: web.Request) -> web.Response:
        """The file in one piece; an aborted FileResponse would leave its file to the garbage collector."""
        path = STATIC / (request.match_info["name"] or "index.html")
        return web.Response(body=path.read_bytes(), content_type=mimetypes.guess_type(path)[0])

    async def _ice_servers(self, request: web.Request) -> web.Response:
        self.servers_for.append(request.query.get("session_id", ""))
        if self.ice_servers is None:
            return web.json_response({}, status=404)
        return web.json_response({"iceServers": self.ice_servers, "ttl": 60})

    async def _who_answers(self, request: web.Request) -> web.Response:
        return web.json_response(self.agent)

    async def _offer(self, request: web.Request) -> web.Response:
        offer = await request.json()
        if self.gone and request.transport is not None:
            request.transport.abort()
        if self.refusal:
            status, body = self.refusal
            self.refused += 1
            return web.json_response(body, status=status)
        self.offers.append(offer)
        sdp = await self._answer(offer["sdp"])
        return web.json_response({"sdp": sdp, "type": "answer", "pc_id": "pc 1", "session_id": "s"})

    async def _answer(self, sdp: str) -> str:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(pc)
        pc.on("datachannel", lambda channel: self._on_channel(pc, channel))
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        lines = pc.localDescription.sdp.splitlines(keepends=True)
        return "".join(line for line in lines if not (self.walled and line.startswith("a=candidate")))

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

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if self.without_sockets:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(protocols=("antiphon",))
        await socket.prepare(request)
        self.starts.append((request.match_info["session_id"], json.loads(await socket.receive_str())))
        line = SocketLine(request, socket)
        writing = asyncio.create_task(line.write(), name="standin-write")
        self._take(line)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self.sound.put_nowait(message.data)
            else:
                self._on_message(message.data)
        self.close_codes.append(socket.close_code)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        return socket

    def _on_channel(self, pc: RTCPeerConnection, channel: RTCDataChannel) -> None:
        channel.on("message", self._on_message)
        self._take(ChannelLine(pc, channel))

    def _take(self, line: ChannelLine | SocketLine) -> None:
        """Use the newest connection, and tell the older one that it is superseded."""
        if self._line is not None and self._lines:
            self._say_to_the_older()
        self._line, self._lines, self.deaf = line, self._lines + 1, False
        session = {"session_id": "s", "agent": "Marta", "resume": f"token {self._lines}", "resumed": self._lines > 1}
        session |= {"recorded": True} if self.recorded else {}
        self.say({"type": "session", **session}, {"type": "state", "state": "speaking" if self.greets else "listening"})

    def _say_to_the_older(self) -> None:
        try:
            self.say({"type": "error", "code": "superseded", "message": "The call goes on elsewhere.", "final": True})
        except Exception:  # aiortc raises when the older connection cannot send any more
            return

    def _on_message(self, data: str) -> None:
        message = json.loads(data)
        self.received.put_nowait(message)
        if message["type"] == "ping" and not self.deaf:
            self.say({"type": "pong", "t": message["t"]})


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = CSP
