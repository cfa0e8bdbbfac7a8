"""WHEP at /whep: somebody listens to a live call over WebRTC (draft-ietf-wish-whep). It is for operators, and needs the
admin token, or the control token of the call.

POST   /whep/{id}             an offer that receives audio; the answer sends caller and agent as one sound
PATCH  /whep/{id}/{listener}  candidates, and restarts of ICE
DELETE /whep/{id}/{listener}  listen no more
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from server.call.caller import Caller
from signaling.admin import Admin
from signaling.ice import IceServer
from signaling.ice_servers import turn_user
from signaling.sdp_sessions import add_options, created, patched, read_offer

ENDPOINT = "/whep/{id}"
SESSION = f"{ENDPOINT}/{{listener}}"


class Listening(Protocol):
    """Serves the listeners. All but `answer` raise NotFound if the call has no such listener."""

    async def answer(self, sdp: str, call_id: str, here: bool) -> tuple[str, str]:
        """Raises NotFound, PeerError, and AtCapacity if the call has too many listeners."""

    async def restart(self, call_id: str, listener_id: str, ufrag: str, password: str) -> str: ...
    async def add_candidate(self, call_id: str, listener_id: str, candidate: str) -> None: ...
    def ufrag(self, call_id: str, listener_id: str) -> str: ...
    def leave(self, call_id: str, listener_id: str) -> None: ...


def add_routes(
    app: web.Application,
    listening: Listening,
    admin: Admin,
    known: Callable[[web.Request], Caller],
    servers: Callable[[str], list[IceServer]] = lambda user: [],
) -> None:
    """Serve /whep on `app`. `known` tells from where a request comes, and `servers` makes the ICE servers for a TURN
    user."""
    handler = _WhepHandler(listening, admin, known, servers)
    app.router.add_post(ENDPOINT, handler.post)
    app.router.add_patch(SESSION, handler.patch)
    app.router.add_delete(SESSION, handler.delete)
    add_options(app, ENDPOINT, SESSION)


class _WhepHandler:
    def __init__(
        self,
        listening: Listening,
        admin: Admin,
        known: Callable[[web.Request], Caller],
        servers: Callable[[str], list[IceServer]],
    ) -> None:
        self._listening = listening
        self._admin = admin
        self._known = known
        self._servers = servers

    async def post(self, request: web.Request) -> web.Response:
        call_id, who = self._admit(request), self._known(request)
        sdp, listener_id = await self._listening.answer(await read_offer(request), call_id, who.here)
        ufrag = self._listening.ufrag(call_id, listener_id)
        return created(request, sdp, listener_id, ufrag, self._servers(turn_user(who)))

    async def patch(self, request: web.Request) -> web.Response:
        call_id = self._admit(request)
        return await patched(request, _Session(self._listening, call_id, request.match_info["listener"]))

    async def delete(self, request: web.Request) -> web.Response:
        call_id = self._admit(request)
        self._listening.leave(call_id, request.match_info["listener"])
        return web.Response()

    def _admit(self, request: web.Request) -> str:
        """The id of the call. Raises Unauthorized if the request may not touch it."""
        call_id = request.match_info["id"]
        self._admin.admit_to(request, call_id)
        return call_id


@dataclass(frozen=True, slots=True)
class _Session:
    """One listener, as an SdpSession."""

    listening: Listening
    call_id: str
    listener_id: str

    @property
    def ufrag(self) -> str:
        return self.listening.ufrag(self.call_id, self.listener_id)

    async def restart(self, ufrag: str, password: str) -> str:
        return await self.listening.restart(self.call_id, self.listener_id, ufrag, password)

    async def add_candidate(self, candidate: str) -> None:
        await self.listening.add_candidate(self.call_id, self.listener_id, candidate)
