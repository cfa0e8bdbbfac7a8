"""Origins: which web sites' pages may use the API. It checks every request to the API and every
WebSocket, and answers for CORS.

Programs send no `Origin`, and may always use it. A browser sends the origin of the page with each request that could
change something, and with each WebSocket, and lets no page change it (Fetch Standard, section 3.2).
"""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from server.errors import Forbidden
from signaling.addresses import Proxies
from signaling.ways import API

PREFLIGHT_S = 600
"""How long a browser may remember the answer to its preflight."""
_PERMISSIONS = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag, X-OpenAI-Agents-SDK",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}
_READABLE = "Retry-After, WWW-Authenticate, Location, ETag, Link, Accept-Post, Access-Control-Allow-Methods"
"""The headers that a page of another site may read. Those from `Location` on are for WHIP."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Origins:
    """The sites whose pages may use the API: our own, and `allowed`.

    A `local` server is reached by this machine only. It answers only to the names of this machine and of the allowed
    sites: otherwise the owner of any name could point it at 127.0.0.1, and the pages under that name would be of "our
    own" origin (DNS rebinding).
    """

    def __init__(self, allowed: Sequence[str] = (), proxies: Proxies | None = None, local: bool = False) -> None:
        self._allowed = frozenset(allowed)
        self._hosts = frozenset(map(_host, allowed))
        self._proxies = proxies or Proxies()
        self._local = local

    def guard(self, app: web.Application) -> None:
        """Check the requests of `app`. Refusals are raised, so the middleware that answers errors has to come first."""
        app.middlewares.append(self._check)
        app.on_response_prepare.append(self._permit)

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises Forbidden before anything of the request is used."""
        if not request.path.startswith(API) and "Upgrade" not in request.headers:
            return await handler(request)
        (_, host), origin = self._proxies.origin_of(request), request.headers.get("Origin")
        if self._local and host and not (_is_local(host) or host in self._hosts):
            raise Forbidden("This server does not go by this name.")
        if origin is not None and not self._may_call(origin, host):
            raise Forbidden("Pages of this origin may not call here.")
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=_PERMISSIONS)
        return await handler(request)

    def _may_call(self, origin: str, host: str) -> bool:
        return origin in self._allowed or _host(origin).lower() == host

    async def _permit(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the pages of an allowed site read the response. It differs by origin, so caches must not mix them up."""
        if not request.path.startswith(API):
            return
        response.headers.add("Vary", "Origin")
        if (origin := request.headers.get("Origin")) in self._allowed and origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _READABLE


def _host(origin: str) -> str:
    """The host and port of an origin, as in a request's Host. "" if it is not an origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    """Whether a Host is a name or an address of this machine's loopback (RFC 6761, section 6.3)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
