"""Passing: a request about a call that another worker has is passed on to that worker.

It is a middleware of each site. A request that another worker has passed on is never passed on again, so nothing goes
round in circles. A worker that stops, or is full, takes no conversation over. So if somebody wants to go on with one
that it does not have, it tells that to the worker that has asked (421, RFC 9110, section 15.5.20), which takes the
conversation.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from aiohttp import web

from server.call.desk.ids import owner_of
from server.cluster.announcement import Announcement
from server.cluster.fellows import Fellows, read_body
from server.cluster.member import LOOK_UP_S
from server.cluster.named import Named, has_body, named
from server.cluster.relay import Relay
from server.cluster.seal import HEADER, Asked, read
from server.errors import AtCapacity, StoreError, Unreachable
from server.pace import Pace
from signaling.addresses import TRIED_AGAIN

RESUME_S = 4.0
"""How long the worker that has a call may take to begin its answer to somebody who resumes it. After that the call goes
on here, from the store. A worker that is gone is forgotten after as long."""
ANSWER_S = 15.0
"""The same for other requests. Hanging up waits for the end of a tool for 5 s."""
RETRY_AFTER_S = 1
"""When a client that is no door may try again."""
WARN_S = 60.0
"""How often at most the operator is told of seals that are not true."""
MOST_LINES = 20
"""How many requests that this worker takes in place of another one are logged at once, and then one a second: a client
may send as many as it likes."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class Calls(Protocol):
    """Knows the calls of this worker."""

    def has(self, session_id: str) -> bool: ...


class Holders(Protocol):
    """Knows which worker took a conversation over last."""

    async def holder(self, conversation_id: str) -> str:
        """Its name, or "". Raises StoreError."""


class Passing:
    """Decides which worker answers a request."""

    def __init__(
        self, fellows: Fellows, relay: Relay, holders: Holders, calls: Calls, refuses: Callable[[], bool]
    ) -> None:
        """`refuses`: this worker takes no calls now, because it is full or about to stop."""
        self._fellows = fellows
        self._member = fellows.member
        self._relay = relay
        self._holders = holders
        self._calls = calls
        self._refuses = refuses
        self._warnings = Pace(1 / WARN_S, burst=1)
        self._takeovers = Pace(1.0, burst=MOST_LINES)

    def guard(self, app: web.Application, for_operators: bool) -> None:
        """Pass on the requests of `app`, which is the site for operators, or that for callers."""

        @web.middleware
        async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler, for_operators)

        app.middlewares.insert(0, self._believe)  # whoever looks at an address looks at that of the client
        app.middlewares.append(pass_on)  # behind the check of origins

    @web.middleware
    async def _believe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Give a request that another worker has passed on the address of its client."""
        if (value := request.headers.get(HEADER)) is None:
            return await handler(request)
        asked = Asked(request.method, request.rel_url.raw_path_qs, request.headers.get("Host", ""))
        seal = read(value, self._member.secret, self._member.name, asked, time.time())
        if seal is None:
            if self._warnings.admits(time.monotonic()):
                log.warning("x a request says that a worker has passed it on, but its seal is not true, or is too old")
            return await handler(request)
        return await handler(request.clone(remote=seal.address, scheme=seal.scheme))

    async def _answer(self, request: web.Request, handler: Handler, for_operators: bool) -> web.StreamResponse:
        if (found := await self._named(request)) is None:
            return await handler(request)
        if HEADER in request.headers:
            if found.resumes and self._refuses() and not self._calls.has(found.id):
                raise web.HTTPMisdirectedRequest
            return await handler(request)
        if (there := await self._place(request, found)) is None:
            return await handler(request)
        url = there.for_operators if for_operators else there.url
        answer_s = RESUME_S if found.resumes else ANSWER_S
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._relay.carry(request, there, url, answer_s)
            return await self._fellows.answer(request, there, url, answer_s)
        except Unreachable as error:
            self._member.forget(there.name)
            if error.sent and not found.resumes:
                raise
            if self._takeovers.admits(time.monotonic()):
                log.warning("x worker %s does not answer, or has no such call: this one takes its request", there.name)
            return await handler(request)

    async def _named(self, request: web.Request) -> Named | None:
        """The call that a request names."""
        body = None
        if has_body(request.method, request.path):
            try:
                body = json.loads(await read_body(request))
            except (ValueError, RecursionError):
                return None  # whoever answers says what is wrong with it
        return named(request.method, request.path, request.query, body)

    async def _place(self, request: web.Request, found: Named) -> Announcement | None:
        """The other worker that has the call, or takes it because this one does not; None if it is here, or nowhere.

        A worker that starts has no calls yet: those of its name were in the process before it. Raises StoreError if it
        cannot be known now where the call is, and AtCapacity if the door finds another worker.
        """
        maker = owner_of(found.id)
        if not maker or self._calls.has(found.id):
            return None
        name = await self._holder(found.id) or maker
        there = await self._member.find(name) if name != self._member.name else None
        if there is not None and there.state != "starting":
            return there
        if not (found.resumes and self._refuses()):
            return None
        if TRIED_AGAIN in request.headers:  # then the call does not go through this worker, which may end soon
            raise AtCapacity("This server takes no calls now. Please call again in a moment.", RETRY_AFTER_S)
        return await self._another()

    async def _holder(self, call_id: str) -> str:
        if self._member.hears:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(LOOK_UP_S):
                    return await self._holders.holder(call_id)
        return ""

    async def _another(self) -> Announcement | None:
        """Another worker that is ready. A call that this one does not take goes on there."""
        ready = await self._member.ready()
        return random.choice(ready) if ready else None
