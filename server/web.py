"""The HTTP side: the site for callers, and the site for operators, which is not for the Internet.

Health, metrics and what callers said are on the site for operators. Without `ANTIPHON_OPERATIONS_PORT` there is one
site, which has everything.
"""

import os
import re
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from server.callers import origins
from server.config import Settings
from server.errors import AtCapacity, ConfigError
from signaling import health
from signaling.addresses import Proxies
from signaling.bodies import MAX_BODY_BYTES
from signaling.brake import brake
from signaling.errors import errors_as_json
from signaling.health import Health
from signaling.origins import Origins
from signaling.ways import AGENT_WAY

STATIC = Path(__file__).parent.parent / "static"
CONSOLE = STATIC / "console"
_FILE = r"/{file:[a-z_]+\.[a-z]+}"
_SHARED = r"/{file:style\.css|favicon\.svg}"
"""What the console has in common with the page."""
POLICY = "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'"
SECURITY_HEADERS = {
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
SHUTDOWN_S = 5.0
"""How long a server that stops waits for HTTP requests that it is still answering. The WebSockets of calls are closed
before."""


class Site:
    """One address, and the application that is served there."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 is any free port. It stays the same when another application takes the place of the first."""
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def serve(self, app: web.Application, stack: AsyncExitStack) -> None:
        """Serve `app` from now on, in place of what was served before, until the stack is closed.

        Raises ConfigError when the address or the port cannot be used.
        """
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=15, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        stack.push_async_callback(self._runner.cleanup)
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except socket.gaierror as exc:  # its error numbers are not those of the system
            reason = (exc.strerror or str(exc)).lower()
            raise ConfigError(f"cannot listen on {self._host}:{self._port}: {reason}") from exc
        except OSError as exc:
            reason = os.strerror(exc.errno).lower() if exc.errno else str(exc)
            raise ConfigError(f"cannot listen on {self._host}:{self._port}: {reason}") from exc
        self._port = self._runner.addresses[0][1]

    @property
    def url(self) -> str:
        """Where the site is, once something is served there."""
        assert self._runner is not None
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Sites:
    """The sites of a server. While it starts, they answer health checks and ask clients to come again.

    Routes for callers are added to the application `public`, and those for operators to `operations`. Without a port
    for operators both are the same application.
    """

    def __init__(self, settings: Settings) -> None:
        self.proxies = Proxies(settings.trusted_proxies + settings.doors)
        self.public = application(origins(settings, self.proxies), settings.access_token_url)
        self.operations = operations_application() if settings.operations_port else self.public
        behind_door = bool(settings.worker_host)
        self._of_callers = Site(settings.worker_host or settings.host, 0 if behind_door else settings.port)
        self._of_operators = Site(settings.operations_host, settings.operations_port)

    async def start(self, parts: Health, stack: AsyncExitStack) -> None:
        """Say that the server is starting. Raises ConfigError."""
        if self._two:
            await self._of_operators.serve(starting_application(parts), stack)
        await self._of_callers.serve(starting_application(None if self._two else parts), stack)

    async def open(self, parts: Health, stack: AsyncExitStack) -> None:
        """Serve `public` and `operations` from now on. Raises ConfigError."""
        health.add_routes(self.operations, parts)
        add_console(self.operations)
        await self._of_callers.serve(self.public, stack)
        parts.remove("start")
        if self._two:
            await self._of_operators.serve(self.operations, stack)

    def where(self) -> list[str]:
        """What the operator reads about where the server is."""
        operators = [f"for operators   {self._of_operators.url}"] if self._two else []
        return [*operators, f"Antiphon is at  {self._of_callers.url}"]

    @property
    def urls(self) -> tuple[str, str]:
        """Where the sites for callers and for operators are, once something is served there."""
        of_callers = self._of_callers.url
        return of_callers, self._of_operators.url if self._two else of_callers

    @property
    def _two(self) -> bool:
        return self.operations is not self.public


def application(origins: Origins | None = None, token_url: str = "") -> web.Application:
    """Make the site for callers, with the page and the security headers. `serve` adds the other routes.

    The page asks `token_url` for the tokens of its calls.
    """
    app = web.Application(middlewares=[brake(), errors_as_json], client_max_size=MAX_BODY_BYTES)
    (origins or Origins()).guard(app)
    app.router.add_get("/", _index)
    app.router.add_get(_FILE, _file)
    _secure(app, " ".join(re.findall(r"^https?://[^/?#]+", token_url)))
    return app


def add_agents_pages(app: web.Application, find: Callable[[str], object]) -> None:
    """Serve the page at the way of each agent. `find` raises NotFound if there is no such agent.

    What the page loads, and what it asks, is beside it: it knows no other addresses.
    """

    async def page(request: web.Request) -> web.FileResponse:
        find(request.match_info["dialled"])
        return await _index(request)

    async def to_page(request: web.Request) -> web.Response:
        find(request.match_info["dialled"])
        raise web.HTTPPermanentRedirect(request.rel_url.with_path(f"{request.rel_url.raw_path}/", encoded=True))

    app.router.add_get(AGENT_WAY, to_page)
    app.router.add_get(f"{AGENT_WAY}/", page)
    app.router.add_get(AGENT_WAY + _FILE, _file)


def add_console(app: web.Application) -> None:
    """Serve the console at /console/. Everybody may read its files; what it shows needs the admin token."""

    async def console(request: web.Request) -> web.FileResponse:
        return web.FileResponse(CONSOLE / "index.html")

    async def to_console(request: web.Request) -> web.Response:
        raise web.HTTPPermanentRedirect("/console/")

    async def file(request: web.Request) -> web.FileResponse:
        return _found(CONSOLE, request)

    app.router.add_get("/console", to_console)
    app.router.add_get("/console/", console)
    app.router.add_get("/console" + _FILE, file)


def operations_application() -> web.Application:
    """Make the site for operators. It has no page for callers."""
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY_BYTES)
    app.router.add_get(_SHARED, _file)
    _secure(app)
    return app


def starting_application(parts: Health | None) -> web.Application:
    """Make a site for the time while models load: it asks clients to come again, and answers health checks of
    `parts`."""

    async def refuse(request: web.Request) -> web.Response:
        raise AtCapacity("The server is starting. Please call again in a moment.", health.RETRY_AFTER_S)

    app = web.Application(middlewares=[errors_as_json])
    if parts is not None:
        parts.add("start", lambda: "The server is starting.", needed=True)
        health.add_routes(app, parts)
    app.router.add_route("*", "/{path:.*}", refuse)
    return app


async def _index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _file(request: web.Request) -> web.FileResponse:
    return _found(STATIC, request)


def _found(folder: Path, request: web.Request) -> web.FileResponse:
    """The file that the path names. Raises HTTPNotFound."""
    path = folder / request.match_info["file"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _secure(app: web.Application, elsewhere: str = "") -> None:
    """Add the security headers to each response. `elsewhere`: the other origins that the page may ask."""
    policy = f"{POLICY}; connect-src 'self' ws: wss: {elsewhere}".rstrip()
    headers = SECURITY_HEADERS | {"Content-Security-Policy": policy}

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    app.on_response_prepare.append(add_headers)
