"""What the console has to know of its server (/console/server)."""

from aiohttp import web

from signaling.admin import Admin


def add_routes(app: web.Application, admin: Admin, trace_url: str) -> None:
    """Serve /console/server on `app`. `trace_url` is the address of a trace, with {trace_id} in it; "" is none."""

    async def about(request: web.Request) -> web.Response:
        admin.admit(request)
        return web.json_response({"trace_url": trace_url}, headers={"Cache-Control": "no-store"})

    app.router.add_get("/console/server", about)
