"""What WHIP and WHEP have in common: a session of plain SDP over HTTP (RFC 9725).

A client posts its offer, and gets the answer with the address of its session. There it sends candidates and restarts
ICE (PATCH), and ends it (DELETE).
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web

from server.errors import NotSdp, PeerError, Stale, TooLarge
from signaling.bodies import MAX_BODY_BYTES
from signaling.ice import IceServer, is_turn

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_CANDIDATES = 32
"""How many candidates one request may bring."""

_FRAGMENT_LINES = ("a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates")


class SdpSession(Protocol):
    """One session. Its methods raise NotFound if it is over."""

    @property
    def ufrag(self) -> str:
        """Our ICE user name: it names the present ICE session."""

    async def restart(self, ufrag: str, password: str) -> str:
        """Restart ICE by the client's new credentials. Returns the answer's SDP."""

    async def add_candidate(self, candidate: str) -> None:
        """Take a candidate that comes after the offer."""


def add_options(app: web.Application, endpoint: str, session: str) -> None:
    """Answer OPTIONS at both addresses, and the methods that they do not have. The other routes come before these."""
    for path, methods in ((endpoint, "OPTIONS, POST"), (session, "OPTIONS, PATCH, DELETE")):
        app.router.add_options(path, _describes(methods))
        app.router.add_route("*", path, _refuses(methods))


async def read_offer(request: web.Request) -> str:
    """The offer that a client posts. Raises NotSdp, PeerError or TooLarge."""
    return await _read(request, SDP)


def created(request: web.Request, sdp: str, name: str, ufrag: str, servers: Iterable[IceServer]) -> web.Response:
    """The response with the answer. `name` is what the address of the session ends with."""
    response = web.Response(status=201, text=sdp, content_type=SDP)
    response.headers["Location"] = f"{request.rel_url.raw_path.rstrip('/')}/{name}"
    response.headers["ETag"] = _tag(ufrag)
    for server in servers:
        for url in server.urls:
            response.headers.add("Link", _link(url, server))
    return response


async def patched(request: web.Request, session: SdpSession) -> web.Response:
    """Take candidates, and restart ICE if the client asks for it.

    Raises NotSdp, PeerError, TooLarge and Stale, and what the session raises.
    """
    lines = (await _read(request, FRAGMENT)).replace("\r\n", "\n").split("\n")
    tag = _tag(session.ufrag)
    wanted = request.headers.get("If-Match") or request.headers.get("ETag", "")  # some clients send the latter
    if wanted not in ("", "*", tag):
        raise Stale("ICE has been restarted since then: the ETag is another one.")
    restarted = await _restart(session, lines) if wanted == "*" else ""
    await _add_candidates(session, lines)
    if not restarted:
        return web.Response(status=204)
    found = dict.fromkeys(line for line in restarted.split("\r\n") if line.startswith(_FRAGMENT_LINES))
    headers = {"ETag": _tag(session.ufrag)}
    return web.Response(text="\r\n".join(found) + "\r\n", content_type=FRAGMENT, headers=headers)


async def _restart(session: SdpSession, lines: list[str]) -> str:
    """Restart ICE with the client's new credentials. Returns the answer."""
    ufrag, password = (_value(lines, attribute) for attribute in ("ice-ufrag", "ice-pwd"))
    if not ufrag or not password:
        raise PeerError("A restart of ICE needs a=ice-ufrag and a=ice-pwd.")
    return await session.restart(ufrag, password)


async def _add_candidates(session: SdpSession, lines: list[str]) -> None:
    """All sections share one transport, so a candidate counts once, whatever section it stands in."""
    found = dict.fromkeys(line.removeprefix("a=") for line in lines if line.startswith("a=candidate:"))
    if len(found) > MAX_CANDIDATES:
        raise TooLarge(f"A request may have at most {MAX_CANDIDATES} candidates.")
    for candidate in found:
        await session.add_candidate(candidate)


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
