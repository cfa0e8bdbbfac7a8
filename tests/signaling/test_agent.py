"""What a client learns of the agent before the call."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.agent import add_routes


@pytest.mark.parametrize(
    ("needs_token", "access"), [(False, {"access": "open"}), (True, {"access": "token", "token_url": "/token"})]
)
async def test_clients_learn_who_answers(needs_token: bool, access: dict[str, str]) -> None:
    """The answer has the agent's name, what it can do, what one can say, and whether that needs a token."""
    app = web.Application()
    add_routes(app, "Museum", "Opening hours and tickets.", ("When are you open?",), needs_token, "/token")
    async with TestClient(TestServer(app)) as client:
        body = await (await client.get("/api/agent")).json()
    asked = {"name": "Museum", "about": "Opening hours and tickets.", "examples": ["When are you open?"]}
    assert body == asked | access
