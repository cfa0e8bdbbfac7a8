"""WebSocket /api/voice/conversation/{session_id}: messages as text, sound as binary frames, both ways."""

import socket as sockets
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from server.errors import Forbidden

PATH = "/api/voice/conversation/{session_id}"
MAX_MESSAGE_BYTES = 64 * 1024
"""0.7 s of PCM at 48 kHz; clients send 10 to 100 ms at a time."""
SEND_BUFFER_BYTES = 64 * 1024
"""In the kernel: what a client that reads slowly has to hear late before it loses any."""
RECEIVE_BUFFER_BYTES = 64 * 1024
"""In the kernel, which would else keep megabytes of what a client sends too fast."""

_CODES = {
    "": 1000,
    "reconnect": 1012,
    "at_capacity": 1013,
    "store_unavailable": 1013,
    "superseded": 4000,
    "internal": 1011,
    "config": 1011,
}
_NOT_ALLOWED = 1008
_CLOSING = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class Calls(Protocol):
    """What the sockets are for."""

    async def serve(self, session_id: str, socket: "WebSocket") -> None: ...


def add_routes(app: web.Application, calls: Calls, origins: Sequence[str]) -> None:
    """Serve the WebSocket on `app`; pages of other `origins` than our own may use it too."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        _check_origin(request, origins)
        response = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES, timeout=1.0)
        await response.prepare(request)
        _limit_buffer(request)
        await calls.serve(request.match_info["session_id"], WebSocket(response))
        return response

    app.router.add_get(PATH, handle)


def _check_origin(request: web.Request, origins: Sequence[str]) -> None:
    """A page of another site may not use its visitor's way in (CWE-1385). Programs send no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in origins and _host(origin) != request.host:
        raise Forbidden("Pages of this origin may not call here.")


def _host(origin: str) -> str:
    """ "" for what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _limit_buffer(request: web.Request) -> None:
    raw = request.transport.get_extra_info("socket") if request.transport is not None else None
    if raw is not None:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER_BYTES)
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


class WebSocket:
    """aiohttp's WebSocket as calls see it."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self._response = response

    async def receive(self) -> str | bytes | None:
        message: WSMessage = await self._response.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: str | bytes = message.data
            return data
        if message.type is WSMsgType.PING:
            await self._response.pong(message.data)
        return None if message.type in _CLOSING else b""

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, str):
            await self._response.send_str(item)
        else:
            await self._response.send_bytes(item)

    async def ping(self) -> None:
        await self._response.ping()

    async def close(self, reason: str) -> None:
        code = _CODES.get(reason, _NOT_ALLOWED)
        await self._response.close(code=WSCloseCode(code) if code < 4000 else code, message=reason.encode())
