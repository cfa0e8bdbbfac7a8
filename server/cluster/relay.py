"""Relay: carries a client's WebSocket to the worker that has the call, message by message, both ways."""

import asyncio
import json
import struct
from contextlib import suppress

from aiohttp import (
    ClientError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WebSocketError,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from yarl import URL

from server.cluster.announcement import Announcement
from server.cluster.fellows import MISDIRECTED, NO_WAY, Fellows, for_socket
from server.errors import Unreachable
from signaling.access import subprotocols

MAX_MESSAGE_BYTES = 2 * 1024 * 1024 + 1
"""How large a message may be: as large as the largest that a worker takes (`signaling.openai.door.LIMITS`)."""
HEARTBEAT_S = 10.0
"""After how long without a byte from the worker it is asked for a sign of life. It has half of that to answer. So the
connection is cut when its machine is gone, which TCP alone would notice after a quarter of an hour."""
FLUSH_S = 3.0
"""How long one side may take to close after the other one has. Then both connections are cut."""
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
_NO_CODE = 1005
"""Stands for a close frame without a code."""
_PASSED = ("Retry-After", "WWW-Authenticate")

Socket = web.WebSocketResponse | ClientWebSocketResponse


class Relay:
    """The WebSockets that are passed on by this worker."""

    def __init__(self, fellows: Fellows) -> None:
        self._fellows = fellows
        self._clients: set[asyncio.Transport] = set()

    def close(self) -> None:
        """Cut all connections. The calls wait for their clients at the workers that have them."""
        for client in self._clients:
            client.close()

    async def carry(self, request: web.Request, to: Announcement, url: str, answer_s: float) -> web.StreamResponse:
        """Carry one WebSocket until it is closed. Raises Unreachable, and PeerError for wrong subprotocols."""
        offered = [each for each in subprotocols(request) if each]
        try:
            async with asyncio.timeout(answer_s):
                there = await self._fellows.http.ws_connect(
                    URL(url + request.rel_url.raw_path_qs, encoded=True),
                    headers=for_socket(self._fellows.headers(request, to)),
                    protocols=offered,
                    autoping=False,
                    autoclose=False,
                    heartbeat=HEARTBEAT_S,
                    timeout=ClientWSTimeout(ws_close=FLUSH_S),
                    max_msg_size=MAX_MESSAGE_BYTES,
                )
        except WSServerHandshakeError as refusal:
            if refusal.status == MISDIRECTED:
                raise Unreachable(sent=False) from refusal
            return _refused(refusal)
        except NO_WAY as exc:
            raise Unreachable(sent=False) from exc
        except (ClientError, OSError) as exc:
            raise Unreachable(sent=True) from exc
        here = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES, timeout=FLUSH_S,
            protocols=[there.protocol] if there.protocol else (),
        )  # fmt: skip
        try:
            await here.prepare(request)
            await self._until_closed(here, there, request.transport)
        finally:
            there._response.close()  # without a close frame of our own, which would hang up
        return here

    async def _until_closed(self, here: Socket, there: Socket, client: asyncio.BaseTransport | None) -> None:
        """Carry messages until the end, or until `close` cuts the connection to the client."""
        if not isinstance(client, asyncio.Transport):
            return  # it is gone already
        self._clients.add(client)
        try:
            await _between(here, there)
        finally:
            self._clients.discard(client)
            client.close()  # likewise without a close frame


async def _between(here: Socket, there: Socket) -> None:
    """Carry messages until both sides are closed, or one is gone."""
    ways = [
        asyncio.get_running_loop().create_task(_pump(one, other), name="relay")
        for one, other in ((here, there), (there, here))
    ]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if all(way.exception() is None and way.result() for way in done):
            await asyncio.wait(ways, timeout=FLUSH_S)  # one side has closed: the other one answers that
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pump(source: Socket, sink: Socket) -> bool:
    """Carry all messages of one side to the other. True: the side has closed its WebSocket; False: it is gone."""
    with suppress(ConnectionError, ClientError, WebSocketError):
        while (message := await source.receive()).type not in _ENDS:
            match message.type:
                case WSMsgType.TEXT:
                    await sink.send_str(message.data)
                case WSMsgType.BINARY:
                    await sink.send_bytes(message.data)
                case WSMsgType.PING | WSMsgType.PONG:
                    await sink.send_frame(message.data, message.type)
        if message.type is WSMsgType.CLOSE:
            await sink.send_frame(_closing(message.data, message.extra), WSMsgType.CLOSE)
            return True
    return False


def _closing(code: int | None, reason: str | None) -> bytes:
    """The content of a close frame (RFC 6455, section 5.5.1)."""
    return struct.pack("!H", code) + (reason or "").encode() if code and code != _NO_CODE else b""


def _refused(refusal: WSServerHandshakeError) -> web.Response:
    """What the client is told when the worker takes no WebSocket. The body of its answer is not known here."""
    headers = {name: refusal.headers[name] for name in _PASSED if refusal.headers and name in refusal.headers}
    body = {"error": {"code": "refused", "message": "The server that has this call takes no WebSocket for it."}}
    return web.Response(
        status=refusal.status, text=json.dumps(body), content_type="application/json", headers=headers
    )  # fmt: skip
