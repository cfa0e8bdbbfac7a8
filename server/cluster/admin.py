"""What operators see and do at any worker: all calls, all workers, and a phone that is registered somewhere.

GET  /api/calls                    the calls of all workers; `missing` names the workers that have not answered
POST /api/calls                    call a SIP phone, at whichever worker it is registered
GET  /api/cluster                  the workers, as they have announced themselves
GET  /api/cluster/targets          where Prometheus finds the metrics of each (its HTTP service discovery)
POST /api/cluster/{worker}/drain   let a worker stop as on SIGTERM: its calls go on at other workers
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from sipmessage import Address

from server.cluster.announcement import Announcement
from server.cluster.fellows import Fellows
from server.cluster.seal import HEADER
from server.errors import NotFound, NotRegistered
from signaling.admin import Admin
from signaling.bodies import read_json
from signaling.calls import NO_STORE
from signaling.ringing import MAX_S, Wanted

ANSWER_S = 10.0
"""How long another worker may take to say that it stops."""
_PHONES = "/api/cluster/phones"
"""Where the workers ask each other for a phone."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ClusterAdmin:
    """Serves the operators of a cluster."""

    def __init__(
        self, fellows: Fellows, admin: Admin, knows: Callable[[Address], bool], stop: Callable[[], None]
    ) -> None:
        """`knows` tells whether a phone is registered here, and `stop` lets this worker drain and end."""
        self._fellows = fellows
        self._member = fellows.member
        self._admin = admin
        self._knows = knows
        self._stop = stop

    def add_to(self, app: web.Application) -> None:
        app.middlewares.append(self._everywhere)
        app.router.add_get("/api/cluster", self._list)
        app.router.add_get("/api/cluster/targets", self._targets)
        app.router.add_get(_PHONES, self._phone)
        app.router.add_post("/api/cluster/{worker}/drain", self._drain)

    @web.middleware
    async def _everywhere(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer for all workers what one worker answers for itself."""
        if request.path != "/api/calls" or HEADER in request.headers:
            return await handler(request)
        if request.method == "POST":
            return await self._ring(request, handler)
        response = await handler(request)
        return await self._all_calls(request, response) if isinstance(response, web.Response) else response

    async def _all_calls(self, request: web.Request, response: web.Response) -> web.Response:
        own = json.loads(response.text or "{}")
        answers = {self._member.name: own, **await self._fellows.ask(request, "/api/calls")}
        calls = [
            {**call, "worker": name} for name, answer in answers.items() if answer is not None
            for call in answer["calls"]
        ]  # fmt: skip
        silent = {name for name, answer in answers.items() if answer is None}
        missing = sorted(silent | {*(await self._member.seen()).missing})
        calls.sort(key=lambda call: int(call["since_ms"]))
        return web.json_response({"calls": calls, "missing": missing}, headers=NO_STORE)

    async def _ring(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Call a phone here, or at the worker where it is registered."""
        try:
            return await handler(request)
        except NotRegistered:
            wanted = await read_json(request, Wanted)
            answers = await self._fellows.ask(request, f"{_PHONES}?{urlencode({'to': wanted.to})}")
            there = next((name for name, answer in answers.items() if answer is not None), "")
            worker = await self._member.find(there) if there else None
            if worker is None:
                raise
            return await self._fellows.answer(request, worker, worker.for_operators, MAX_S + ANSWER_S)

    async def _phone(self, request: web.Request) -> web.Response:
        """Whether a phone is registered here."""
        self._admin.admit(request)
        try:
            known = self._knows(Address.parse(f"<{request.query.get('to', '')}>"))
        except (ValueError, TypeError):
            known = False
        if not known:
            raise NotRegistered("No phone is registered under this address.")
        return web.json_response({"worker": self._member.name}, headers=NO_STORE)

    async def _list(self, request: web.Request) -> web.Response:
        self._admin.admit(request)
        seen = await self._member.seen()
        body = {
            "worker": self._member.name,
            "calls": sum(worker.calls for worker in seen.present),
            "detached": sum(worker.detached for worker in seen.present),
            "places": sum(worker.places for worker in seen.present if worker.state in ("ready", "full")),
            "workers": [worker.shown() | {"load": round(worker.load, 3)} for worker in seen.present],
            "missing": list(seen.missing),
        }
        return web.json_response(body, headers=NO_STORE)

    async def _targets(self, request: web.Request) -> web.Response:
        self._admin.admit(request)
        return web.json_response([_target(worker) for worker in (await self._member.seen()).present], headers=NO_STORE)

    async def _drain(self, request: web.Request) -> web.StreamResponse:
        self._admin.admit(request)
        name = request.match_info["worker"]
        if name == self._member.name:
            self._stop()
            return web.json_response({"status": "draining"}, status=web.HTTPAccepted.status_code, headers=NO_STORE)
        worker = await self._member.find(name) if HEADER not in request.headers else None
        if worker is None:
            raise NotFound("There is no such worker.")
        return await self._fellows.answer(request, worker, worker.for_operators, ANSWER_S)


def _target(worker: Announcement) -> dict[str, Any]:
    """Where the metrics of a worker are. They carry its name themselves."""
    parts = urlsplit(worker.for_operators)
    return {"targets": [parts.netloc], "labels": {"__scheme__": parts.scheme, "node": worker.node}}
