"""GET /api/agent: tells a client who answers, what a caller can ask, and whether a call needs a token, so that it can
say so before the call."""

from aiohttp import web


def add_routes(
    app: web.Application, name: str, about: str, examples: tuple[str, ...], needs_token: bool, token_url: str
) -> None:
    """Serve /api/agent on `app`: the agent's name, a sentence about what it can do, and sentences to say to it.

    Where a call needs a token, the page asks `token_url` for one; "" if there is no such address.
    """
    access = {"access": "token", "token_url": token_url} if needs_token else {"access": "open"}
    body = {"name": name, "about": about, "examples": examples, **access}

    async def get(request: web.Request) -> web.Response:
        return web.json_response(body)

    app.router.add_get("/api/agent", get)
