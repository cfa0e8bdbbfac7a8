"""GET /api/ice-servers: tells a client which STUN and TURN servers it can use to reach us from behind a firewall.

The client passes them to its RTCPeerConnection.
"""

from collections.abc import Callable

from aiohttp import web

from signaling.ice import IceServer


def add_routes(app: web.Application, servers: Callable[[], list[IceServer]], ttl_s: int) -> None:
    """Serve /api/ice-servers on `app`. `servers` makes the list, with credentials that are valid for `ttl_s`."""

    async def get(request: web.Request) -> web.Response:
        body = {"iceServers": [server.to_json() for server in servers()], "ttl": ttl_s}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    app.router.add_get("/api/ice-servers", get)
