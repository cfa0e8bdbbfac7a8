"""The OpenAI Realtime API (GA) at /v1/realtime: WebSockets, calls by WebRTC, and secrets for the pages of a backend.

The address of the WebSocket is `/v1/realtime?model=…`. A model may be the name of one of our agents. With `call_id`
it watches a live call instead (sideband). With `session_id` and `resume` it goes on with a conversation.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from server.call.line.translator import Beginning
from server.errors import PeerError, TooLarge
from signaling.access import REALTIME, subprotocols
from signaling.bodies import MAX_BODY_BYTES
from signaling.openai.door import LIMITS, Calls, Door, Make
from signaling.openai.refused import Refused, read_json
from signaling.openai.way import Way
from signaling.realtime.session_config import SessionConfig
from signaling.realtime.translator import RealtimeTranslator
from signaling.sdp_sessions import read_offer
from signaling.ways import WAYS
from signaling.websocket import HANG_UPS, NO_CODE, WATCHER_PING_S, open_socket

PATH = "/v1/realtime"


def add_routes(app: web.Application, calls: Calls, door: Door) -> None:
    """Serve the API on `app`, for callers whom the `door` lets in."""
    endpoint = _Endpoint(calls, door)
    for way in WAYS:
        app.router.add_get(way + PATH, endpoint.socket)
        app.router.add_post(f"{way}{PATH}/calls", endpoint.call)
        app.router.add_post(f"{way}{PATH}/calls/{{call_id}}/hangup", endpoint.hang_up)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    calls: Calls
    door: Door

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        if call_id := request.query.get("call_id"):
            return await self._watch(request, call_id)
        caller = self.door.called(await self.door.admit(request), request.query.get("model", ""))
        self.calls.pace(caller)
        response, socket = await open_socket(request, _agreed(request), LIMITS, (*HANG_UPS, NO_CODE))
        if socket is None:
            return response
        transcribes = request.query.get("intent") == "transcription"
        config = self._config(request.query.get("model", ""), "transcription" if transcribes else "realtime")
        make = _maker(config, on_webrtc=False)
        again = request.query.get("session_id", ""), request.query.get("resume", "")
        beginning = Beginning(chosen(config), *again, call_id=config.object["id"])
        await self.calls.serve(caller, beginning, make, socket)
        return response

    async def _watch(self, request: web.Request, call_id: str) -> web.WebSocketResponse:
        watcher = await self.door.admit_to(request, self.calls, call_id)
        self.calls.pace(watcher)
        response, socket = await open_socket(request, _agreed(request), LIMITS, ping_s=WATCHER_PING_S)
        if socket is not None:
            await self.calls.watch(watcher, call_id, _maker(self._config(""), on_webrtc=False), socket)
        return response

    async def call(self, request: web.Request) -> web.Response:
        caller = await self.door.admit(request)
        sdp, session = await _read_call(request)
        config = self._config(str(session.get("model", request.query.get("model", ""))))
        try:
            config.update(session)
        except Refused as refused:
            raise PeerError(f"{refused.param}: {refused.message}") from refused
        caller = self.door.called(caller, config.object["model"])
        answer, call_id = await self.calls.answer(sdp, caller, chosen(config), _maker(config, on_webrtc=True))
        headers = {"Location": f"{request.rel_url.raw_path}/{call_id}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def hang_up(self, request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        await self.calls.end(await self.door.admit_to(request, self.calls, call_id), call_id)
        return web.Response()

    def _config(self, model: str, kind: Any = "realtime") -> SessionConfig:
        return new_config(self.door.new_id(), model, kind)


def _agreed(request: web.Request) -> list[str]:
    return [each for each in subprotocols(request) if each == REALTIME]


def new_config(name: str, model: str, kind: Any = "realtime") -> SessionConfig:
    return SessionConfig(f"sess_{name}", model[:200], kind)


def chosen(config: SessionConfig) -> dict[str, Any]:
    """What the session chooses at the beginning of a call."""
    return {name: value for name, value in config.choices.items() if value not in ("", None, [])}


def _maker(config: SessionConfig, on_webrtc: bool) -> Make:
    """What makes the translator of a connection, for a session of `config`."""
    now, nonce = asyncio.get_running_loop().time, secrets.token_hex(6)
    return lambda reformat, tell: RealtimeTranslator(Way(nonce, on_webrtc, lambda: now() * 1000, reformat), config)


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
