"""GET /api/agent: tells a client who answers and what a caller can ask, so that it can say so before the call."""

from aiohttp import web


def add_routes(app: web.Application, name: str, about: str, examples: tuple[str, ...]) -> None:
    """Serve /api/agent on `app`: the agent's name, a sentence about what it can do, and sentences to say to it."""

    async def get(request: web.Request) -> web.Response:
        return web.json_response({"name": name, "about": about, "examples": examples})

    app.router.add_get("/api/agent", get)
