"""Answers to clients that ask too often."""

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.errors import TooMany
from signaling.brake import brake
from signaling.errors import errors_as_json

HELD_S = 1.0


async def refuse(request: web.Request) -> web.Response:
    raise TooMany("You call too often.", 1)


async def accept(request: web.Request) -> web.Response:
    return web.Response()


async def test_only_so_many_answers_429_are_held_back() -> None:
    """Two are held back at a time. A third one is given at once, and so is every other answer."""
    app = web.Application(middlewares=[brake(HELD_S, most_held=2), errors_as_json])
    app.router.add_get("/refused", refuse)
    app.router.add_get("/accepted", accept)

    async def ask(path: str) -> int:
        async with client.get(path) as answer:
            return answer.status

    async with TestClient(TestServer(app)) as client:
        for _ in range(2):
            refused = [asyncio.create_task(ask("/refused"), name=f"ask-{number}") for number in range(3)]
            assert await ask("/accepted") == 200
            done, held = await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED)
            assert (len(done), len(held)) == (1, 2)
            assert await asyncio.gather(*refused) == [429, 429, 429]
