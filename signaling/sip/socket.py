"""The WebSockets of SIP phones (RFC 7118): at /sip, and at / for phones that know no path. They agree on `sip`."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import WSCloseCode, WSMsgType, web

from server.call.caller import Caller
from server.pace import Pace
from signaling.access import SIP as SUBPROTOCOL
from signaling.access import Access, subprotocols, token_of
from signaling.sip.flow import Flow, Place
from signaling.sip.gate import Gate
from signaling.sip.message import MAX_BYTES
from signaling.sip.user_agent import UserAgent
from signaling.ways import SIP

MESSAGES_A_SECOND = 30
MESSAGES_AT_ONCE = 60
"""How many messages of one phone are read. The rest waits in the socket."""
MOST_WAITING = 256
"""How many messages may wait for a phone that does not read. One more closes its connection."""
MOST_FLOWS = 4_096
MOST_OF_AN_ADDRESS = 1_024
"""How many connections one network address may have, so that nobody takes all of them."""
PING_S = 20.0
"""How often the phone is asked for a sign of life. Without an answer in half that time the connection is gone."""
CLOSE_S = 2.0

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


def add_routes(app: web.Application, agent: UserAgent, gate: Gate, access: Access) -> None:
    """Serve phones on `app`."""
    sockets = _Sockets(agent, gate, access)

    @web.middleware
    async def at_the_root(request: web.Request, handler: Handler) -> web.StreamResponse:
        upgrade = request.path == "/" and "Upgrade" in request.headers and SUBPROTOCOL in subprotocols(request)
        return await sockets.handle(request) if upgrade else await handler(request)

    app.router.add_get(SIP, sockets.handle)
    app.on_shutdown.append(sockets.close)
    app.middlewares.append(at_the_root)


class _Sockets:
    def __init__(self, agent: UserAgent, gate: Gate, access: Access) -> None:
        self._agent = agent
        self._gate = gate
        self._access = access
        self._open: dict[web.WebSocketResponse, str] = {}
        """The connections, and the network address of each; "" is a program on this machine."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one phone until its connection is over."""
        if SUBPROTOCOL not in subprotocols(request):
            raise web.HTTPBadRequest(reason="A phone offers the subprotocol sip")
        known = self._access.known(request)
        caller = await self._caller(request, known)
        if len(self._open) >= MOST_FLOWS:
            raise web.HTTPServiceUnavailable
        beside = sum(address == known.address for address in self._open.values()) if known.address else 0
        if beside >= MOST_OF_AN_ADDRESS or not self._gate.limits.admits_request(
            known.address, asyncio.get_running_loop().time()
        ):
            raise web.HTTPTooManyRequests
        socket = web.WebSocketResponse(
            protocols=[SUBPROTOCOL], compress=False, max_msg_size=MAX_BYTES + 1, heartbeat=PING_S, timeout=CLOSE_S
        )
        await socket.prepare(request)
        self._open[socket] = known.address
        try:
            await self._serve(socket, Place(_host(request), known), caller)
        finally:
            self._open.pop(socket, None)
        return socket

    async def close(self, app: web.Application) -> None:
        """The server stops: phones connect again, perhaps to another one."""
        closing = [socket.close(code=WSCloseCode.SERVICE_RESTART) for socket in self._open]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _caller(self, request: web.Request, known: Caller) -> Caller | None:
        """Who is there, if everybody is let in or the WebSocket itself has a token. Raises Unauthorized."""
        if self._gate.open:
            return known
        token = token_of(request) if self._access.needs_token else ""
        return await self._access.caller_with(token, known) if token else None

    async def _serve(self, socket: web.WebSocketResponse, place: Place, caller: Caller | None) -> None:
        outbox: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        flow = Flow(place, self._gate.digest(), caller, _putter(outbox))
        writer = asyncio.get_running_loop().create_task(_write(socket, outbox), name="sip-write")
        pace, now = Pace(MESSAGES_A_SECOND, MESSAGES_AT_ONCE), asyncio.get_running_loop().time
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await asyncio.sleep(pace.reserve(now()))
                    await self._agent.receive(flow, message.data)
                if writer.done():
                    break
        finally:
            self._agent.closed(flow)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)


def _putter(outbox: asyncio.Queue[str]) -> Callable[[str], None]:
    def put(text: str) -> None:
        try:
            outbox.put_nowait(text)
        except asyncio.QueueFull:
            log.info("x a phone does not read, and a message to it is lost")

    return put


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    """Send what is in the outbox, until the connection is gone or the phone does not read any more."""
    try:
        while not outbox.full():
            await socket.send_str(await outbox.get())
    except ConnectionError:
        return
    await socket.close()


def _host(request: web.Request) -> str:
    """Under which name the phone has reached us."""
    host = request.headers.get("Host", "")
    return host if _HOST.fullmatch(host) else "antiphon.invalid"
