"""The OpenAI Realtime API (GA) at /v1/realtime: WebSockets, calls by WebRTC, and secrets for the pages of a backend.

The address of the WebSocket is `/v1/realtime?model=…`. A model may be the name of one of our agents. With `call_id`
it watches a live call instead (sideband). With `session_id` and `resume` it goes on with a conversation.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aiohttp import BodyPartReader, web

from server.call.caller import Caller
from server.call.line.translator import Beginning
from server.call.messages import AudioFormat
from server.errors import NotFound, PeerError
from signaling.access import REALTIME, subprotocols
from signaling.admin import Admin
from signaling.bodies import MAX_BODY_BYTES
from signaling.realtime.requests import Refused, read_json
from signaling.realtime.session_config import SessionConfig
from signaling.realtime.translator import RealtimeTranslator
from signaling.realtime.way import Way
from signaling.sdp_sessions import read_offer
from signaling.ways import WAYS
from signaling.websocket import HANG_UPS, NO_CODE, Limits, WebSocket, open_socket

PATH = "/v1/realtime"
LIMITS = Limits(message_bytes=2 * 1024 * 1024, bytes_a_second=2 * 1024 * 1024, bytes_at_once=8 * 1024 * 1024)
"""How much a client may send. One message may have half a minute of sound as base64 (OpenAI takes 15 MB): reading it
holds the media loop up for 5 ms. Clients send files whole, faster than they can be heard. They are read no faster than
the call takes their sound, so that what waits here stays below about three messages."""

Admit = Callable[[web.Request], Awaitable[Caller]]
Reformat = Callable[[AudioFormat, AudioFormat], None]
Make = Callable[[Reformat], RealtimeTranslator]


class RealtimeCalls(Protocol):
    """Serves the calls (server/call/line/realtime_calls.py)."""

    def pace(self, caller: Caller) -> None: ...
    async def serve(self, caller: Caller, beginning: Beginning, make: Make, socket: WebSocket) -> None: ...
    def session_of(self, call_id: str) -> str: ...
    async def watch(self, caller: Caller | None, call_id: str, make: Make, socket: WebSocket) -> None: ...
    async def answer(self, sdp: str, caller: Caller, choices: dict[str, Any], make: Make) -> tuple[str, str]: ...
    async def hang_up(self, caller: Caller | None, call_id: str) -> None: ...


def add_routes(
    app: web.Application, calls: RealtimeCalls, admit: Admit, admin: Admin, find: Callable[[str], str], usual: str = ""
) -> None:
    """Serve the API on `app`, for callers whom `admit` lets in. Who has the token of `admin`, or the control token of a
    call, may watch and end it.

    `find` knows our agents, and raises NotFound. `usual` is the agent of clients whose model is none of them, if there
    is such an agent.
    """
    endpoint = _Endpoint(calls, admit, admin, find, usual)
    for way in WAYS:
        app.router.add_get(way + PATH, endpoint.socket)
        app.router.add_post(f"{way}{PATH}/calls", endpoint.call)
        app.router.add_post(f"{way}{PATH}/calls/{{call_id}}/hangup", endpoint.hang_up)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    calls: RealtimeCalls
    admit: Admit
    admin: Admin
    find: Callable[[str], str]
    usual: str

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        agreed = [each for each in subprotocols(request) if each == REALTIME]
        call_id = request.query.get("call_id", "")
        caller = await self._admit(request, call_id)
        if caller is not None:
            self.calls.pace(caller)
        response, socket = await open_socket(request, agreed, LIMITS, (*HANG_UPS, NO_CODE))
        if socket is None:
            return response
        transcribes = request.query.get("intent") == "transcription"
        config = new_config(request.query.get("model", ""), "transcription" if transcribes else "realtime")
        make = _maker(config, on_webrtc=False)
        if caller is None or call_id:
            await self.calls.watch(caller, call_id, make, socket)
            return response
        beginning = Beginning(_chosen(config), request.query.get("session_id", ""), request.query.get("resume", ""))
        await self.calls.serve(self._called(caller, request.query.get("model", "")), beginning, make, socket)
        return response

    async def call(self, request: web.Request) -> web.Response:
        caller = await self.admit(request)
        sdp, session = await _read_call(request)
        config = new_config(str(session.get("model", request.query.get("model", ""))))
        try:
            config.update(session)
        except Refused as refused:
            raise PeerError(f"{refused.param}: {refused.message}") from refused
        caller = self._called(caller, config.object["model"])
        answer, call_id = await self.calls.answer(sdp, caller, _chosen(config), _maker(config, on_webrtc=True))
        headers = {"Location": f"{request.path}/{call_id}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def hang_up(self, request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        await self.calls.hang_up(await self._admit(request, call_id), call_id)
        return web.Response()

    async def _admit(self, request: web.Request, call_id: str) -> Caller | None:
        """Who makes this request. None: who may control the call `call_id`, whoever has made it."""
        if call_id and self.admin.opens(request, self.calls.session_of(call_id)):
            return None
        return await self.admit(request)

    def _called(self, caller: Caller, model: str) -> Caller:
        """The caller, who asks for the agent of this name, if there is one."""
        wanted = [] if caller.dialled or caller.agent else [name for name in (model, self.usual) if name]
        for name in wanted:
            with suppress(NotFound):
                self.find(name)
                return replace(caller, dialled=name)
        return caller


def new_config(model: str, kind: Any = "realtime") -> SessionConfig:
    return SessionConfig(f"sess_{secrets.token_urlsafe(12)}", model[:200], kind)


def _chosen(config: SessionConfig) -> dict[str, Any]:
    """What the session chooses at the beginning of a call."""
    return {name: value for name, value in config.choices.items() if value not in ("", None, [])}


def _maker(config: SessionConfig, on_webrtc: bool) -> Make:
    """What makes the translator of a connection, for a session of `config`."""
    now, nonce = asyncio.get_running_loop().time, secrets.token_hex(6)
    return lambda reformat: RealtimeTranslator(Way(nonce, on_webrtc, lambda: now() * 1000, reformat), config)


async def _read_call(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The offer of a call, and the session that the client wants. Raises PeerError, TooLarge, UnsupportedMedia."""
    if request.content_type != "multipart/form-data":
        return await read_offer(request), {}
    parts: dict[str, str] = {}
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name in ("sdp", "session") and part.name not in parts:
                data = await part.read()
                parts[part.name] = data[: MAX_BODY_BYTES + 1].decode(errors="replace")
    except (ValueError, web.RequestPayloadError) as exc:
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
