"""GET /api/agent: tells a client who answers, what a caller can ask, and whether a call needs a token, so that it can
say so before the call."""

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from signaling.ways import WAYS


class About(Protocol):
    """An agent, as a client shows it."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str:
        """A sentence about what it can do."""

    @property
    def examples(self) -> tuple[str, ...]:
        """Sentences to say to it."""


def add_routes(app: web.Application, about: Callable[[str], About], needs_token: bool, token_url: str) -> None:
    """Serve /api/agent on `app`. `about` gives the agent for which a client asks, "" if it asks for none, and raises
    NotFound.

    Where a call needs a token, the page asks `token_url` for one; "" if there is no such address.
    """
    access = {"access": "token", "token_url": token_url} if needs_token else {"access": "open"}

    async def get(request: web.Request) -> web.Response:
        agent = about(request.match_info.get("dialled", ""))
        return web.json_response({"name": agent.name, "about": agent.about, "examples": agent.examples, **access})

    for way in WAYS:
        app.router.add_get(f"{way}/api/agent", get)
