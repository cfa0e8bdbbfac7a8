"""Clients that bring instructions and tools, at a server that an operator has started without an agent of his own."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.phone import Phone
from tests.socket_phone import SocketPhone
from tests.started import Started, started

TOOLS = [{"name": "look_up", "parameters": {"properties": {"what": {"type": "string"}}, "required": ["what"]}}]
BROUGHT: dict[str, Any] = {"instructions": "Look up what the caller says.", "tools": TOOLS}


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    """Its model calls every tool once, and then says what the tools have returned."""
    with started(ANTIPHON_MODEL="test") as running:
        yield running


async def test_over_a_websocket_that_drops(server: Started) -> None:
    """The client's agent is reached by its name. The tool call comes again on the next connection."""
    async with ClientSession() as http, asyncio.timeout(40):
        phone = SocketPhone(f"{server.url}/agents/client", http)
        await phone.dial(**BROUGHT)
        hello = await phone.until(type="session")
        assert hello["agent"] == "Assistant"
        phone.send(type="text", text="prices")
        call = await phone.until(type="tool_call")
        assert (call["name"], list(call["arguments"])) == ("look_up", ["what"])
        await phone.drop()
        back = SocketPhone(f"{server.url}/agents/client", http)
        await back.dial(hello["session_id"], resume=hello["resume"])
        assert await back.until(type="tool_call") == call
        back.send(type="tool_result", id=call["id"], output="twelve euros")
        answer = await back.until(type="response", final=True)
        assert "twelve euros" in answer["text"]
        await back.hang_up()


async def test_over_webrtc(server: Started) -> None:
    """The same messages on the data channel, and the same choices in the offer."""
    async with ClientSession() as http, asyncio.timeout(40):
        phone = Phone(f"{server.url}/agents/client/api/offer", http)
        await phone.dial(requestData=BROUGHT)
        await phone.until(type="session")
        phone.send(type="note", text="My name is Ann.")
        phone.send(type="respond")
        call = await phone.until(type="tool_call")
        phone.send(type="tool_result", id=call["id"], output={"euros": 12})
        answer = await phone.until(type="response", final=True)
        assert "12" in answer["text"]
        await phone.hang_up()


async def test_the_demo_agent_takes_nothing(server: Started) -> None:
    """A call to the first agent that brings something is refused, with the reason."""
    async with ClientSession() as http, asyncio.timeout(20):
        phone = SocketPhone(server.url, http)
        await phone.dial(**BROUGHT)
        error = await phone.until(type="error")
        assert (error["code"], error["final"]) == ("bad_request", True)
        assert "takes no instructions from clients" in error["message"]
        await phone.hang_up()
