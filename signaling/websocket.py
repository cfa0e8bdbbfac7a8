"""WebSocket /api/voice/conversation/{session_id}: carries messages as text and sound as binary frames, both ways."""

import asyncio
import socket as sockets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from server.call.caller import Caller
from server.pace import Pace
from signaling.access import SUBPROTOCOL, check_agreement, subprotocols
from signaling.meter import BYTES_A_SECOND, BYTES_AT_ONCE, Meter
from signaling.ways import WAYS

PATH = "/api/voice/conversation/{session_id}"
MAX_MESSAGE_BYTES = 64 * 1024
"""How large a message from a client may be: 0.7 s of PCM at 48 kHz. Clients send 10 to 100 ms at a time."""
SEND_BUFFER_BYTES = 64 * 1024
"""The size of the kernel's send buffer. A client that reads slowly gets its sound late by up to this much, before
the server drops any."""
UNSENT_BYTES = 64 * 1024
"""How much may wait in this process for room in that buffer."""
RECEIVE_BUFFER_BYTES = 64 * 1024
"""The size of the kernel's receive buffer. Without a limit the kernel would keep megabytes from a client that sends too
fast."""
MESSAGES_A_SECOND = 200
"""How many messages are read each second, pings and empty ones too: sound in pieces of 10 ms, and some JSON. The rest
waits in the socket."""

_CODES = {
    "": 1000,
    "reconnect": 1012,
    "at_capacity": 1013,
    "too_many": 1013,
    "store_unavailable": 1013,
    "superseded": 4000,
    "lost": 4002,
    "agent_unavailable": 1013,
    "internal": 1011,
    "config": 1011,
}
"""The close code (RFC 6455, section 7.4) for the reason why a WebSocket is closed."""
_NOT_ALLOWED = 1008
"""The close code for all other reasons."""
WATCHER_PING_S = 20.0
"""How often somebody who watches a call is asked for a sign of life, if none comes. Half of that later they count as
gone. Proxies close a WebSocket on which nothing moves for a minute; those of calls have pings of their own."""
NO_CODE = 1005
"""Stands for a close frame without a code (RFC 6455, section 7.4.1), as `close()` sends it in a browser."""
HANG_UPS = (WSCloseCode.OK,)
"""The close codes of a client that hangs up. After others the conversation waits for another connection."""
_CLOSING = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class WsCalls(Protocol):
    """Serves the calls that come by WebSocket."""

    def pace(self, caller: Caller) -> None:
        """Count one more WebSocket of this caller. Raises TooMany if they come too fast."""

    async def serve(self, session_id: str, caller: Caller, socket: "WebSocket") -> None:
        """Serve one call until it is over."""


def add_routes(app: web.Application, calls: WsCalls, admit: Callable[[web.Request], Awaitable[Caller]]) -> None:
    """Serve the WebSocket on `app`, for callers whom `admit` lets in."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        agreed = [each for each in subprotocols(request) if each == SUBPROTOCOL]
        caller = await admit(request)
        calls.pace(caller)  # before there is a socket, because a flood of them would cost us; pages read only messages
        response, socket = await open_socket(request, agreed)
        if socket is not None:
            await calls.serve(request.match_info["session_id"], caller, socket)
        return response

    for way in WAYS:
        app.router.add_get(way + PATH, handle)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send on a WebSocket, and how much of what it is sent may wait for it."""

    message_bytes: int = MAX_MESSAGE_BYTES
    bytes_a_second: int = BYTES_A_SECOND
    bytes_at_once: int = BYTES_AT_ONCE
    send_buffer_bytes: int = SEND_BUFFER_BYTES
    unsent_bytes: int = UNSENT_BYTES


async def open_socket(
    request: web.Request,
    protocols: Sequence[str],
    limits: Limits = Limits(),
    hang_ups: Sequence[int] = HANG_UPS,
    ping_s: float | None = None,
) -> tuple[web.WebSocketResponse, "WebSocket | None"]:
    """Answer a request for a WebSocket, with one of these subprotocols if the client offers any. None: it is gone.

    A client that closes it with one of `hang_ups` hangs up. With `ping_s` it is pinged after so long without a sign of
    life. Raises PeerError if it offers a token, and none of `protocols`.
    """
    check_agreement(request, protocols)
    response = web.WebSocketResponse(
        autoping=False, compress=False, max_msg_size=limits.message_bytes + 1, timeout=1.0, protocols=protocols,
        heartbeat=ping_s, writer_limit=limits.unsent_bytes,
    )  # fmt: skip
    await response.prepare(request)
    if not isinstance(request.transport, asyncio.Transport):
        return response, None
    limit_buffers(request.transport, limits.send_buffer_bytes, limits.unsent_bytes)
    meter = Meter(request.transport, limits.bytes_a_second, limits.bytes_at_once)
    return response, WebSocket(response, meter, hang_ups)


def limit_buffers(transport: asyncio.WriteTransport, send_buffer_bytes: int, unsent_bytes: int) -> None:
    """Let no more of what is sent and received wait than a call can use."""
    transport.set_write_buffer_limits(unsent_bytes)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, send_buffer_bytes)
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


class WebSocket:
    """A WebSocket as calls use it, without aiohttp's types."""

    def __init__(self, response: web.WebSocketResponse, meter: Meter, hang_ups: Sequence[int] = HANG_UPS) -> None:
        self._response = response
        self._meter = meter
        self._hang_ups = hang_ups
        self._pace = Pace(MESSAGES_A_SECOND, burst=MESSAGES_A_SECOND)
        self._now = asyncio.get_running_loop().time
        self.hung_up = False
        """The client has closed the WebSocket with a code that says that the caller has hung up."""

    @property
    def flooded(self) -> bool:
        """The client has sent so much that nothing more is read from it."""
        return self._meter.flooded

    async def receive(self) -> str | bytes | None:
        """Wait for the next message. b"" for one without content, such as a ping. None when the WebSocket is closed.

        Every message counts, and other calls get a turn between two of them: aiohttp itself does not wait while it has
        messages.
        """
        await asyncio.sleep(self._pace.reserve(self._now()))  # not after it was read: a cancelled wait would lose it
        message: WSMessage = await self._response.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: str | bytes = message.data
            return data
        if message.type is WSMsgType.PING:
            await self._response.pong(message.data)
        self.hung_up = message.type is WSMsgType.CLOSE and (message.data or NO_CODE) in self._hang_ups
        return None if message.type in _CLOSING else b""

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, str):
            await self._response.send_str(item)
        else:
            await self._response.send_bytes(item)

    async def ping(self) -> None:
        await self._response.ping()

    async def close(self, reason: str) -> None:
        """Close the WebSocket with the close code that belongs to `reason`."""
        code = _CODES.get(reason, _NOT_ALLOWED)
        await self._response.close(code=WSCloseCode(code) if code < 4000 else code, message=reason.encode())
