"""WHIP at /whip: a WebRTC call whose signaling is plain SDP (RFC 9725).

A client posts its offer, and gets the answer with the address of its session. There it sends candidates and restarts
ICE (PATCH), and hangs up (DELETE). WHIP itself only sends: an offer that is `sendonly` is answered `recvonly`. As an
extension, an offer that is `sendrecv` is answered `sendrecv`, and the agent is heard on the same connection.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from server.call.caller import Caller
from server.call.options import CallOptions
from server.errors import NotSdp, PeerError, Stale, TooLarge
from signaling.bodies import MAX_BODY_BYTES
from signaling.ice import IceServer, is_turn
from signaling.ice_servers import turn_user
from signaling.ways import WAYS

PATH = "/whip"
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_CANDIDATES = 32
"""How many candidates one request may bring."""

Admit = Callable[[web.Request], Awaitable[Caller]]
_FRAGMENT_LINES = ("a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates")


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
        for path, methods in ((endpoint, "OPTIONS, POST"), (session, "OPTIONS, PATCH, DELETE")):
            app.router.add_options(path, _describes(methods))
            app.router.add_route("*", path, _refuses(methods))


class _WhipHandler:
    def __init__(self, calls: RtcCalls, admit: Admit, servers: Callable[[str], list[IceServer]]) -> None:
        self._calls = calls
        self._admit = admit
        self._servers = servers

    async def post(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        offer = await _read(request, SDP)
        sdp, pc_id, _ = await self._calls.answer(offer, replace(caller, transport="webrtc"), CallOptions())
        response = web.Response(status=201, text=sdp, content_type=SDP)
        response.headers["Location"] = f"{request.rel_url.raw_path.rstrip('/')}/{pc_id}"
        response.headers["ETag"] = _tag(self._calls.ufrag(caller, pc_id))
        for server in self._servers(turn_user(caller)):
            for url in server.urls:
                response.headers.add("Link", _link(url, server))
        return response

    async def patch(self, request: web.Request) -> web.Response:
        caller, pc_id = await self._admit(request), request.match_info["pc_id"]
        lines = (await _read(request, FRAGMENT)).replace("\r\n", "\n").split("\n")
        tag = _tag(self._calls.ufrag(caller, pc_id))
        wanted = request.headers.get("If-Match") or request.headers.get("ETag", "")  # some clients send the latter
        if wanted not in ("", "*", tag):
            raise Stale("ICE has been restarted since then: the ETag is another one.")
        restarted = await self._restart(caller, pc_id, lines) if wanted == "*" else ""
        await self._add_candidates(caller, pc_id, lines)
        if not restarted:
            return web.Response(status=204)
        found = dict.fromkeys(line for line in restarted.split("\r\n") if line.startswith(_FRAGMENT_LINES))
        tag = _tag(self._calls.ufrag(caller, pc_id))
        return web.Response(text="\r\n".join(found) + "\r\n", content_type=FRAGMENT, headers={"ETag": tag})

    async def delete(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        await self._calls.hang_up(caller, request.match_info["pc_id"])
        return web.Response()

    async def _restart(self, caller: Caller, pc_id: str, lines: list[str]) -> str:
        """Restart ICE with the client's new credentials. Returns the answer."""
        ufrag, password = (_value(lines, attribute) for attribute in ("ice-ufrag", "ice-pwd"))
        if not ufrag or not password:
            raise PeerError("A restart of ICE needs a=ice-ufrag and a=ice-pwd.")
        return await self._calls.restart(caller, pc_id, ufrag, password)

    async def _add_candidates(self, caller: Caller, pc_id: str, lines: list[str]) -> None:
        """All sections share one transport, so a candidate counts once, whatever section it stands in."""
        found = dict.fromkeys(line.removeprefix("a=") for line in lines if line.startswith("a=candidate:"))
        if len(found) > MAX_CANDIDATES:
            raise TooLarge(f"A request may have at most {MAX_CANDIDATES} candidates.")
        for candidate in found:
            await self._calls.add_candidate(caller, pc_id, candidate, None)


async def _read(request: web.Request, kind: str) -> str:
    """The body, as text. Raises NotSdp, PeerError or TooLarge."""
    if request.content_type != kind:
        raise NotSdp(f"The body must be SDP, with the header Content-Type: {kind}.")
    try:
        return (await request.read()).decode()
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge(f"The body may have at most {MAX_BODY_BYTES} bytes.") from exc
    except (web.RequestPayloadError, UnicodeDecodeError) as exc:
        raise PeerError("The body does not match its headers, or is not UTF-8.") from exc


def _describes(methods: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answers OPTIONS: what the address takes."""
    headers = {"Allow": methods, "Access-Control-Allow-Methods": methods}
    headers |= {"Accept-Post": SDP} if "POST" in methods else {"Accept-Patch": FRAGMENT}

    async def options(request: web.Request) -> web.Response:
        return web.Response(headers=headers)

    return options


def _refuses(methods: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answers the methods that the address does not have."""

    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPMethodNotAllowed(request.method, methods.split(", "))

    return refuse


def _tag(ufrag: str) -> str:
    """The ETag of an ICE session (RFC 9725, section 4.3.1)."""
    return f'"{ufrag}"'


def _value(lines: list[str], attribute: str) -> str:
    start = f"a={attribute}:"
    return next((line[len(start) :].strip() for line in lines if line.startswith(start)), "")


def _link(url: str, server: IceServer) -> str:
    """One ICE server as a Link header (RFC 9725, section 4.6)."""
    link = f'<{url}>; rel="ice-server"'
    if is_turn(url) and server.username:
        link += f'; username="{server.username}"; credential="{server.credential}"; credential-type="password"'
    return link
