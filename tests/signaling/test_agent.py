"""What a client learns of the agent before the call."""

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.agent import add_routes


async def test_clients_learn_who_answers() -> None:
    """The answer has the agent's name, what it can do, and what one can say."""
    app = web.Application()
    add_routes(app, "Museum", "Opening hours and tickets.", ("When are you open?",))
    async with TestClient(TestServer(app)) as client:
        body = await (await client.get("/api/agent")).json()
    assert body == {"name": "Museum", "about": "Opening hours and tickets.", "examples": ["When are you open?"]}
