"""The OpenAI Realtime API (GA) at /v1/realtime: WebSockets, calls by WebRTC, and secrets for the pages of a backend.

The address of the WebSocket is `/v1/realtime?model=…`. A model may be the name of one of our agents. With `call_id`
it watches a live call instead (sideband). With `session_id` and `resume` it goes on with a conversation.
"""

import asyncio
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from server.call.caller import Caller
from server.call.line.translator import Beginning
from server.errors import NotFound, PeerError, TooLarge
from signaling.access import REALTIME, subprotocols, token_of
from signaling.bodies import MAX_BODY_BYTES
from signaling.openai.door import LIMITS, Calls, Door, Make, Position, Reformat, Tell
from signaling.openai.refused import Refused, read_json
from signaling.openai.way import Way
from signaling.realtime.page_secret import session_of
from signaling.realtime.session_config import OF_THE_AGENT, SessionConfig
from signaling.realtime.translator import RealtimeTranslator
from signaling.sdp_sessions import read_offer
from signaling.ways import WAYS
from signaling.websocket import HANG_UPS, NO_CODE, WATCHER_PING_S, open_socket

PATH = "/v1/realtime"
DAY_S = 24 * 3600
"""How long a session may last where the server does not say it. No call is as long."""


def add_routes(app: web.Application, calls: Calls, door: Door, longest_s: float) -> None:
    """Serve the API on `app`, for callers whom the `door` lets in. A call lasts `longest_s`; 0 is without a limit."""
    endpoint = _Endpoint(calls, door, int(longest_s) or DAY_S)
    for way in WAYS:
        app.router.add_get(way + PATH, endpoint.socket)
        app.router.add_post(f"{way}{PATH}/calls", endpoint.call)
        app.router.add_post(f"{way}{PATH}/calls/{{call_id}}/hangup", endpoint.hang_up)
        for what in ("accept", "reject", "refer"):
            app.router.add_post(f"{way}{PATH}/calls/{{call_id}}/{what}", endpoint.refuse)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    calls: Calls
    door: Door
    longest_s: int

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        if call_id := request.query.get("call_id"):
            return await self._watch(request, call_id)
        caller = await self.door.admit(request)
        self.calls.pace(caller)
        config, later = self._config(request, caller), _later(request)
        response, socket = await open_socket(request, _agreed(request), LIMITS, (*HANG_UPS, NO_CODE))
        if socket is None:
            return response
        make = _maker(config, on_webrtc=False, later=later)
        again = request.query.get("session_id", ""), request.query.get("resume", "")
        beginning = Beginning(chosen(config, later), *again, call_id=config.object["id"])
        await self.calls.serve(self.door.called(caller, config.object["model"]), beginning, make, socket)
        return response

    async def _watch(self, request: web.Request, call_id: str) -> web.WebSocketResponse:
        watcher = await self.door.admit_to(request, self.calls, call_id)
        self.calls.pace(watcher)
        response, socket = await open_socket(request, _agreed(request), LIMITS, ping_s=WATCHER_PING_S)
        if socket is not None:
            nobody = _maker(new_config("none", "", 0), on_webrtc=False)  # for telling who may not watch after all
            await self.calls.watch(watcher, call_id, nobody, socket)
        return response

    async def call(self, request: web.Request) -> web.Response:
        caller = await self.door.admit(request)
        sdp, session = await _read_call(request)
        config = self._config(request, caller)
        _update(config, session)
        later = _later(request) - session.keys()
        caller = self.door.called(caller, config.object["model"])
        make = _maker(config, on_webrtc=True, later=later)
        answer, call_id = await self.calls.answer(sdp, caller, chosen(config, later), make)
        headers = {"Location": f"{request.rel_url.raw_path}/{call_id}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def hang_up(self, request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        await self.calls.end(await self.door.admit_to(request, self.calls, call_id), call_id)
        return web.Response()

    async def refuse(self, request: web.Request) -> web.Response:
        """Refuse what is for calls by SIP, which do not begin by this API."""
        await self.door.admit(request)
        what = request.path.rpartition("/")[2]
        raise NotFound(f"This server does not serve `{what}`: telephones call by SIP, see its documentation.")

    def _config(self, request: web.Request, caller: Caller) -> SessionConfig:
        """The session as it begins: as the secret of the caller says, and then the address. Raises PeerError."""
        config = new_config(self.door.new_id(), "", int(time.time()) + self.longest_s)
        given = session_of(token_of(request))
        if given and (brought := caller.options.model_dump(mode="json", include=set(OF_THE_AGENT))):
            tools = [{"type": "function", **tool} for tool in brought["tools"]]
            given = {"instructions": brought["instructions"], "tools": tools, **given}
        if request.query.get("intent") == "transcription":
            given["type"] = "transcription"
        if model := request.query.get("model"):
            given.setdefault("model", model[:200])
        _update(config, given)
        return config


def _update(config: SessionConfig, given: dict[str, Any]) -> None:
    """Raises PeerError."""
    try:
        config.update(given)
    except Refused as refused:
        raise PeerError(f"{refused.param}: {refused.message}") from refused


def _later(request: web.Request) -> frozenset[str]:
    """What the session is told when it runs, because not every agent takes it: what an unsigned secret says. What a
    token says of it, the token itself chooses."""
    return OF_THE_AGENT & session_of(token_of(request)).keys()


def _agreed(request: web.Request) -> list[str]:
    return [each for each in subprotocols(request) if each == REALTIME]


def new_config(name: str, model: str, expires_s: int) -> SessionConfig:
    return SessionConfig(f"sess_{name}", model, expires_s=expires_s)


def chosen(config: SessionConfig, later: Collection[str] = ()) -> dict[str, Any]:
    """What the session chooses at the beginning of a call, without what it chooses `later`."""
    choices = config.choices.items()
    return {name: value for name, value in choices if value not in ("", None, []) and name not in later}


def _maker(config: SessionConfig, on_webrtc: bool, later: Collection[str] = ()) -> Make:
    """What makes the translator of a connection, for a session of `config`."""
    now, nonce = asyncio.get_running_loop().time, secrets.token_hex(6)

    def make(reformat: Reformat, tell: Tell, position: Position) -> RealtimeTranslator:
        return RealtimeTranslator(Way(nonce, on_webrtc, lambda: now() * 1000, reformat, tell, position), config, later)

    return make


async def _read_call(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The offer of a call, and the session that the client wants. Raises PeerError, TooLarge, UnsupportedMedia."""
    if request.content_type != "multipart/form-data":
        return await read_offer(request), {}
    parts: dict[str, str] = {}
    try:
        async for part in await request.multipart():
            name = part.name if isinstance(part, BodyPartReader) else None
            if not isinstance(part, BodyPartReader) or name not in ("sdp", "session") or name in parts:
                raise PeerError("The form may have one part `sdp` and one part `session`, and nothing else.")
            parts[name] = (await part.read()).decode(errors="replace")
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge(f"A part may have at most {MAX_BODY_BYTES} bytes.") from exc
    except (ValueError, web.RequestPayloadError, HttpProcessingError) as exc:
        raise PeerError("The body is no form.") from exc
    if not parts.get("sdp"):
        raise PeerError("The form needs the part `sdp`.")
    try:
        session = read_json(parts.get("session") or "{}")
    except Refused as refused:
        raise PeerError("The part `session` has to be JSON.") from refused
    if not isinstance(session, dict):
        raise PeerError("The part `session` has to be a JSON object.")
    return parts["sdp"], session
