"""Holds back the answer to a client that asks too often: it cannot ask again on this connection meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HELD_S = 1.0
"""How long an answer is held back. `Retry-After` asks the client to wait for at least as long."""
MOST_HELD = 256
"""How many answers are held back at the same time, so that they cannot use up the memory. Others are given at once."""


def brake(held_s: float = HELD_S, most_held: int = MOST_HELD) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Make a middleware that holds back each answer 429 (too many requests) for `held_s` seconds."""
    held = 0

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal held
        response = await handler(request)
        if response.status == web.HTTPTooManyRequests.status_code and held < most_held:
            held += 1
            try:
                await asyncio.sleep(held_s)
            finally:
                held -= 1
        return response

    return hold
