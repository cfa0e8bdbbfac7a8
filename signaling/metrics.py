"""GET /metrics: shows the server's metrics as Prometheus text."""

from collections.abc import Callable

from aiohttp import web

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def add_routes(app: web.Application, text: Callable[[], bytes]) -> None:
    """Serve /metrics on `app`."""

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE})

    app.router.add_get("/metrics", metrics)
