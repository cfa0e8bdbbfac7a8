"""What a client learns of the agent before the call."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic_ai import Agent

from server.agent.voice_agent import VoiceAgent
from signaling.agent import add_routes

MUSEUM = VoiceAgent(Agent(), name="Museum", about="Opening hours and tickets.", examples=("When are you open?",))


@pytest.mark.parametrize(
    ("needs_token", "access"), [(False, {"access": "open"}), (True, {"access": "token", "token_url": "/token"})]
)
async def test_clients_learn_who_answers(needs_token: bool, access: dict[str, str]) -> None:
    """The answer has the agent's name, what it can do, what one can say, and whether that needs a token."""
    app, agents = web.Application(), {"": MUSEUM, "bank": VoiceAgent(Agent(), name="Bank")}
    add_routes(app, agents.__getitem__, needs_token, "/token")
    async with TestClient(TestServer(app)) as client:
        body = await (await client.get("/api/agent")).json()
        other = await (await client.get("/agents/bank/api/agent")).json()
    asked = {"name": "Museum", "about": "Opening hours and tickets.", "examples": ["When are you open?"]}
    assert body == asked | access
    assert other == {"name": "Bank", "about": "", "examples": []} | access
