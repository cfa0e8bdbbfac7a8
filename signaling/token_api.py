"""POST /api/tokens: makes a caller's token for a backend that has the admin token.

A backend that has the secret itself makes tokens without asking; docs/access.md says how.
"""

import secrets
import time

from aiohttp import web

from server.errors import NotFound, PeerError
from signaling.admin import Admin
from signaling.bodies import read_json
from signaling.tokens import Expected, NewToken, issue


def add_routes(app: web.Application, admin: Admin, secret: str, expected: Expected) -> None:
    """Serve /api/tokens on `app`. Without a `secret` there is no such API, even for operators."""

    async def post(request: web.Request) -> web.Response:
        admin.admit(request)
        if not secret:
            raise NotFound("This server has no secret to make tokens with.")
        wanted = await read_json(request, NewToken)
        try:
            issued = issue(wanted, expected, secret, time.time(), secrets.token_urlsafe(12))
        except ValueError as exc:
            raise PeerError(f"It cannot be made: {exc}.") from exc
        body = {"token": issued.token, "expires_at": issued.expires_at}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    app.router.add_post("/api/tokens", post)
