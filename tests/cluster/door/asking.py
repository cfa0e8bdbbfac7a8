"""A door that is open, with a real HAProxy, and what a client of it asks."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from server.cluster.door.configuration import DoorSettings
from server.cluster.door.door import Door
from server.cluster.roster import Roster
from tests.relay import free_port

WAIT_S = 20
OFFER = {"sdp": "v=0", "type": "offer"}


@asynccontextmanager
async def opened(roster: Roster, **settings: Any) -> AsyncIterator[tuple[Door, ClientSession]]:
    """The door on a free port, and a client of it."""
    it = Door(roster, DoorSettings(port=free_port(), **settings))
    await it.start()
    try:
        async with ClientSession(it.url) as session:
            yield it, session
    finally:
        await it.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def asked(session: ClientSession, method: str, path: str | URL, **more: Any) -> tuple[int, dict[str, Any], str]:
    """The status, the JSON and Retry-After of an answer."""
    async with session.request(method, path, **more) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After", "")


async def whose(session: ClientSession, method: str, path: str, **more: Any) -> str:
    """The worker that answers."""
    status, answer, _ = await asked(session, method, path, **more)
    assert status == 200, answer
    return str(answer["worker"])


async def talks_to(session: ClientSession, path: str, **more: Any) -> str:
    """The worker to which a WebSocket leads."""
    async with session.ws_connect(path, **more) as talk:
        return str(json.loads(await talk.receive_str())["worker"])


async def serves(session: ClientSession) -> bool:
    with contextlib.suppress(OSError):
        return (await asked(session, "GET", "/"))[1].get("worker") == "w1"
    return False


async def free(port: int) -> bool:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections do not matter, only who listens
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
