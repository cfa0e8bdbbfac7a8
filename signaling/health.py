"""Tells over HTTP whether the server is healthy, for load balancers, containers and operators.

GET /health/live    200 if the loop answers
GET /health/ready   200 if a new call would be answered now; 503 with the reason if not
GET /health         the status of /health/ready, and each part of the server with its state and reason
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

RETRY_AFTER_S = 5
"""After how many seconds a client should ask again, if the server is not ready."""

Check = Callable[[], str]
"""A function that returns what is wrong with a part of the server, as a sentence, or "" if it works. It must not
wait."""


@dataclass(frozen=True, slots=True)
class _Part:
    check: Check
    needed: bool

    def state(self, reason: str) -> str:
        return "up" if not reason else "down" if self.needed else "degraded"


class Health:
    """Knows the parts of the server. Each part registers itself."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, check: Check, needed: bool) -> None:
        """Register a part. While a `needed` part does not work, the server is not ready: it should get no calls.

        A part whose state is known only from its last use must not be `needed`. Without calls it would not be used, and
        so the server would never become ready again.
        """
        self._parts[name] = _Part(check, needed)

    def remove(self, name: str) -> None:
        """Remove a part."""
        del self._parts[name]

    def reason(self) -> str:
        """Why the server is not ready. Empty if it is ready."""
        return next((reason for part in self._parts.values() if part.needed and (reason := part.check())), "")

    def parts(self) -> dict[str, dict[str, str]]:
        """Each part by its name, with its `state` ("up", "degraded" or "down") and the `reason`."""
        reasons = {name: part.check() for name, part in self._parts.items()}
        return {name: {"state": self._parts[name].state(why), "reason": why} for name, why in reasons.items()}


def add_routes(app: web.Application, health: Health) -> None:
    """Serve /health, /health/live and /health/ready on `app`."""

    async def live(request: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(request: web.Request) -> web.Response:
        return _response(health.reason())

    async def every(request: web.Request) -> web.Response:
        return _response(health.reason(), parts=health.parts())

    app.router.add_get("/health", every)
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)


def _response(reason: str, **more: object) -> web.Response:
    if not reason:
        return web.json_response({"status": "ready", **more})
    body = {"status": "unavailable", "reason": reason, **more}
    return web.json_response(body, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
