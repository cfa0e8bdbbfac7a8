"""OpenAI Live at /v1/live/sessions: WebSockets, calls by WebRTC, and those who watch a call (sideband).

The first message on a WebSocket is `session.start`, which names the model. A model may be the name of one of our
agents. With `session_id` and `resume` in the address it goes on with a conversation.
"""

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints

from server.call.caller import Caller
from server.call.line.translator import Beginning
from server.errors import NotFound, PeerError
from signaling.access import REALTIME, subprotocols
from signaling.bodies import MAX_BODY_BYTES, read_json
from signaling.live.permissions import Permissions
from signaling.live.requests import Start, read_event
from signaling.live.session_config import LiveConfig
from signaling.live.translator import LiveTranslator
from signaling.openai import refused as shared
from signaling.openai.door import LIMITS, Calls, Door, Make, Position, Reformat, Tell
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused, event_id_of
from signaling.openai.way import Way
from signaling.ways import WAYS
from signaling.websocket import WATCHER_PING_S, WebSocket, open_socket

PATH = "/v1/live/sessions"
START_S = 10.0
"""How long a client has to send `session.start`. It is the first thing that it does."""
MAX_EARLY = 8
"""How many other messages may come before it. Each is answered with an error."""
DISMISS_S = 1.0
"""How long a client that is refused has to read why."""
DAY_S = 24 * 3600
"""How long a session may last where the server does not say it. No call is as long."""


class _Transport(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: str
    sdp: Annotated[str, StringConstraints(max_length=MAX_BODY_BYTES)] = ""


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="ignore")
    session: dict[str, Any]
    transport: _Transport


class SessionNotFound(NotFound):
    """There is no session with this id. Clients know the code, and take the session for one that is over."""

    code = "session_id_not_found"


def add_routes(app: web.Application, calls: Calls, door: Door, longest_s: float) -> None:
    """Serve it on `app`, for callers whom the `door` lets in. A call lasts for `longest_s`; 0 is without a limit."""
    endpoint = _Endpoint(calls, door, int(longest_s) or DAY_S)
    for way in WAYS:
        app.router.add_get(way + PATH, endpoint.socket)
        app.router.add_post(way + PATH, endpoint.call)
        app.router.add_get(f"{way}{PATH}/{{session_id}}/attach", endpoint.attach)
        app.router.add_post(f"{way}{PATH}/{{session_id}}/hangup", endpoint.hang_up)
        for what in ("fork", "content", "accept", "reject", "refer"):
            app.router.add_route("*", f"{way}{PATH}/{{session_id}}/{what}", endpoint.refuse)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    calls: Calls
    door: Door
    longest_s: int

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        caller = await self.door.admit(request)
        self.calls.pace(caller)
        response, socket = await open_socket(request, _agreed(request), LIMITS)
        if socket is None or (config := await self._started(socket)) is None:
            return response
        caller = self.door.called(caller, config.model)
        again = request.query.get("session_id", ""), request.query.get("resume", "")
        beginning = Beginning(_chosen(config), *again, call_id=config.session_id)
        await self.calls.serve(caller, beginning, _maker(config, on_webrtc=False), socket)
        return response

    async def call(self, request: web.Request) -> web.Response:
        caller = await self.door.admit(request)
        wanted = await read_json(request, _Wanted)
        if wanted.transport.type != "webrtc":
            raise PeerError("transport.type: here only `webrtc` begins a call by HTTP; telephones call by SIP.")
        try:
            config = self._config(wanted.session, on_webrtc=True)
        except Refused as refused:
            raise PeerError(f"{refused.param}: {refused.message}") from refused
        permissions = Permissions(config.data_channel, secrets.token_hex(6))
        sdp, config.session_id = await self.calls.answer(
            wanted.transport.sdp, self.door.called(caller, config.model), _chosen(config),
            _maker(config, on_webrtc=True), None if permissions.everything else permissions,
        )  # fmt: skip
        body = {"session": {"id": config.session_id}, "transport": {"type": "webrtc", "sdp": sdp}}
        return web.json_response(body, status=201)

    async def attach(self, request: web.Request) -> web.StreamResponse:
        caller, session_id = await self._known(request)
        self.calls.pace(caller)
        response, socket = await open_socket(request, _agreed(request), LIMITS, ping_s=WATCHER_PING_S)
        if socket is not None:
            nobody = self._config({"model": "none"}, on_webrtc=True)  # for telling who may not watch after all
            await self.calls.watch(caller, session_id, _maker(nobody, on_webrtc=True), socket)
        return response

    async def hang_up(self, request: web.Request) -> web.Response:
        caller, session_id = await self._known(request)
        await self.calls.end(caller, session_id)
        return web.Response()

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Refuse what is not served. Clients that want to fork by WebSocket understand an event, and no HTTP status."""
        caller = await self.door.admit(request)
        what = request.path.rpartition("/")[2]
        sentence = f"This server does not serve `{what}`: see its documentation of OpenAI Live."
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise NotFound(sentence)
        self.calls.pace(caller)
        response, socket = await open_socket(request, _agreed(request), LIMITS)
        if socket is not None:
            out = _outgoing()
            out.error(Refused(sentence, "unsupported"), None)
            await _dismiss(socket, out)
        return response

    async def _known(self, request: web.Request) -> tuple[Caller | None, str]:
        """Who wants to watch or to end a session, and which one. Raises SessionNotFound if it is none of theirs."""
        session_id = request.match_info["session_id"]
        try:
            caller = await self.door.admit_to(request, self.calls, session_id)
            self.calls.check(caller, session_id)
        except NotFound as error:
            raise SessionNotFound(error.sentence) from error
        return caller, session_id

    async def _started(self, socket: WebSocket) -> LiveConfig | None:
        """What the client begins with; None if it begins nothing, and then the socket is closed."""
        out, left = _outgoing(), MAX_EARLY
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(START_S):
                while left > 0 and not socket.flooded and (item := await socket.receive()) is not None:
                    if not item:
                        continue  # only a sign of life
                    left -= 1
                    event_id = None
                    try:
                        given = shared.read_json(item)
                        event_id = event_id_of(given)
                        return self._read_start(given)
                    except Refused as refused:
                        out.error(refused, event_id)
                    for each in out.take():
                        await socket.send(each)
        await _dismiss(socket, out)
        return None

    def _read_start(self, given: Any) -> LiveConfig:
        """Raises Refused."""
        event = read_event(given)
        if not isinstance(event, Start):
            raise Refused("The first event has to be session.start.", "session_not_started", "type")
        return self._config(event.session, on_webrtc=False)

    def _config(self, given: dict[str, Any], on_webrtc: bool) -> LiveConfig:
        now = int(time.time())
        config = LiveConfig(given, on_webrtc, now, now + self.longest_s)
        config.session_id = f"live_{self.door.new_id()}"
        return config


def _agreed(request: web.Request) -> list[str]:
    return [each for each in subprotocols(request) if each == REALTIME]


def _outgoing() -> Outgoing:
    return Outgoing(secrets.token_hex(6), "client_event_id")


async def _dismiss(socket: WebSocket, out: Outgoing) -> None:
    """Say what is left to say, and close."""
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(DISMISS_S):
            for each in out.take():
                await socket.send(each)
            await socket.close("bad_request")


def _chosen(config: LiveConfig) -> dict[str, Any]:
    """What the session chooses at the beginning of a call."""
    return {name: value for name, value in config.choices.items() if value}


def _maker(config: LiveConfig, on_webrtc: bool) -> Make:
    """What makes the translator of a connection, for a session of `config`."""
    now, nonce = asyncio.get_running_loop().time, secrets.token_hex(6)

    def make(reformat: Reformat, tell: Tell, position: Position) -> LiveTranslator:
        return LiveTranslator(Way(nonce, on_webrtc, lambda: now() * 1000, reformat, tell, position), config)

    return make
