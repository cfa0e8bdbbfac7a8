"""WHIP at /whip: a WebRTC call whose signaling is plain SDP (RFC 9725).

A client posts its offer, and gets the answer with the address of its session. There it sends candidates and restarts
ICE (PATCH), and hangs up (DELETE). WHIP itself only sends: an offer that is `sendonly` is answered `recvonly`. As an
extension, an offer that is `sendrecv` is answered `sendrecv`, and the agent is heard on the same connection.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from aiohttp import web

from server.call.caller import Caller
from server.call.options import CallOptions
from signaling.ice import IceServer
from signaling.ice_servers import turn_user
from signaling.sdp_sessions import add_options, created, patched, read_offer
from signaling.ways import WAYS

PATH = "/whip"

Admit = Callable[[web.Request], Awaitable[Caller]]


class RtcCalls(Protocol):
    """Serves the calls. All but `answer` raise NotFound if the caller has no such call."""

    async def answer(self, sdp: str, caller: Caller, options: CallOptions) -> tuple[str, str, str]: ...
    async def restart(self, caller: Caller, pc_id: str, ufrag: str, password: str) -> str: ...
    async def add_candidate(self, caller: Caller, pc_id: str, candidate: str, mid: str | None) -> None: ...
    async def hang_up(self, caller: Caller, pc_id: str) -> None: ...
    def ufrag(self, caller: Caller, pc_id: str) -> str: ...


def add_routes(
    app: web.Application, calls: RtcCalls, admit: Admit, servers: Callable[[str], list[IceServer]] = lambda user: []
) -> None:
    """Serve /whip on `app`, for callers whom `admit` lets in. `servers` makes the ICE servers for a TURN user."""
    handler = _WhipHandler(calls, admit, servers)
    for way in WAYS:
        endpoint, session = f"{way}{PATH}", f"{way}{PATH}/{{pc_id}}"
        app.router.add_post(endpoint, handler.post)
        app.router.add_patch(session, handler.patch)
        app.router.add_delete(session, handler.delete)
        add_options(app, endpoint, session)


class _WhipHandler:
    def __init__(self, calls: RtcCalls, admit: Admit, servers: Callable[[str], list[IceServer]]) -> None:
        self._calls = calls
        self._admit = admit
        self._servers = servers

    async def post(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        offer = await read_offer(request)
        sdp, pc_id, _ = await self._calls.answer(offer, replace(caller, transport="webrtc"), CallOptions())
        return created(request, sdp, pc_id, self._calls.ufrag(caller, pc_id), self._servers(turn_user(caller)))

    async def patch(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        return await patched(request, _Call(self._calls, caller, request.match_info["pc_id"]))

    async def delete(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        await self._calls.hang_up(caller, request.match_info["pc_id"])
        return web.Response()


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, as an SdpSession."""

    calls: RtcCalls
    caller: Caller
    pc_id: str

    @property
    def ufrag(self) -> str:
        return self.calls.ufrag(self.caller, self.pc_id)

    async def restart(self, ufrag: str, password: str) -> str:
        return await self.calls.restart(self.caller, self.pc_id, ufrag, password)

    async def add_candidate(self, candidate: str) -> None:
        await self.calls.add_candidate(self.caller, self.pc_id, candidate, None)
