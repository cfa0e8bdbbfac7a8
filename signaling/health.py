"""Health over HTTP, for load balancers, containers and people.

GET /health/live    200: the loop answers
GET /health/ready   200: a new call would be answered now; 503 with the reason when not
GET /health         the same status, and each part with its state and reason
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

RETRY_AFTER_S = 5

Check = Callable[[], str]
"""What is wrong with a part, as a sentence; "" when it is well. Never waits."""


@dataclass(frozen=True, slots=True)
class _Part:
    check: Check
    needed: bool

    def state(self, reason: str) -> str:
        return "up" if not reason else "down" if self.needed else "degraded"


class Health:
    """The parts of the server. Each registers itself."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, check: Check, needed: bool) -> None:
        """While a `needed` part is not well, no call is to be sent here.

        A part whose state is known by its last use is not needed in this sense: unused, it would never be well again.
        """
        self._parts[name] = _Part(check, needed)

    def remove(self, name: str) -> None:
        """It is no part any more."""
        del self._parts[name]

    def reason(self) -> str:
        """Why the server is not ready; "" when it is."""
        return next((reason for part in self._parts.values() if part.needed and (reason := part.check())), "")

    def parts(self) -> dict[str, dict[str, str]]:
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
