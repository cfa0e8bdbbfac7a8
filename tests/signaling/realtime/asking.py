"""What tests of the HTTP side of the Realtime API ask with."""

import json
from typing import Any

import aiohttp

from signaling.keys import secret_key
from signaling.tokens import Header
from tests.exchange import Exchange
from tests.tokens import SECRET

ADMIN = {"Authorization": "Bearer the operator's own token"}


class OneKey:
    async def find(self, header: Header) -> Any:
        return [secret_key(SECRET)]


async def first_event(running: Exchange, http: aiohttp.ClientSession, **options: Any) -> dict[str, Any]:
    """What a client is told first on the WebSocket."""
    async with http.ws_connect(f"{running.home}/v1/realtime?model=gpt-realtime", **options) as socket:
        told: dict[str, Any] = json.loads((await socket.receive()).data)
        return told
