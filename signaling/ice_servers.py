"""GET /api/ice-servers: what a client gives to its RTCPeerConnection, so that it reaches us from behind a firewall."""

from collections.abc import Callable

from aiohttp import web

from signaling.ice import IceServer


def add_routes(app: web.Application, servers: Callable[[], list[IceServer]], ttl_s: int) -> None:
    """`servers` gives them with credentials that are good for `ttl_s`."""

    async def get(request: web.Request) -> web.Response:
        body = {"iceServers": [server.to_json() for server in servers()], "ttl": ttl_s}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    app.router.add_get("/api/ice-servers", get)
