"""How an agent is told of a call over real sockets, and what a client is told when the agent cannot take it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from antiphon import CallInfo, VoiceAgent
from server.call.options import MAX_REQUEST_CHARS
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Desk, Mind
from tests.offers import HOST, audio, offer
from tests.phone import Phone
from tests.socket_phone import SocketPhone

OFFER = {"sdp": offer(audio("0", HOST)), "type": "offer"}


def agent_that_sees(seen: list[CallInfo]) -> VoiceAgent:
    async def make_deps(info: CallInfo) -> Desk:
        seen.append(info)
        return Desk()

    return replace(Mind().agent(), make_deps=make_deps)


async def refusal(running: Exchange, http: aiohttp.ClientSession, request: dict[str, Any]) -> tuple[int, str, str]:
    """How an offer with this `requestData` is refused, and how a WebSocket with it in `start` is closed, which has to
    be for the same reason."""
    response = await http.post(running.url, json={**OFFER, "requestData": request})
    error = (await response.json())["error"]
    async with http.ws_connect(f"{running.home}/api/voice/conversation/new") as ws:
        await ws.send_json({"type": "start", **request})
        told = json.loads((await ws.receive()).data)
        assert (told["code"], told["final"]) == (error["code"], True)
        await ws.receive()
        assert ws.close_code is not None
        return response.status, error["code"], f"{error['message']} {ws.close_code}"


async def test_the_agent_is_told_what_the_client_sends() -> None:
    """The fields that are not ours reach the agent by both ways in, also when they look like a token's. The fields that
    are ours, and what the server knows better, do not come with them."""
    seen: list[CallInfo] = []
    own = {"page": "prices", "basket": [1, {"id": None}], "caller": "ceo", "context": {"plan": "gold"}}
    async with (
        asyncio.timeout(20),
        exchange(agent_that_sees(seen)) as running,
        aiohttp.ClientSession() as http,
    ):
        phone = Phone(running.url, http)
        await phone.dial(requestData={**own, "language": "de", "session_id": "", "resume": ""})
        await phone.opened.wait()
        await phone.hang_up()
        socket = SocketPhone(running.home, http)
        await socket.dial(**own, voice="amy")
        await socket.until(type="session")
        await socket.hang_up()
    assert seen == [CallInfo("", {}, "de", "webrtc", own), CallInfo("", {}, "en", "websocket", own)]
    assert all("aiohttp" in info.headers["user-agent"] for info in seen)


@pytest.mark.parametrize("request_", [{"note": "x" * MAX_REQUEST_CHARS}, {"a": ["é"] * 1_000}], ids=["long", "many"])
async def test_what_the_client_sends_has_a_limit(request_: dict[str, Any]) -> None:
    """A call with more is refused before the agent is told of it."""
    seen: list[CallInfo] = []
    async with (
        asyncio.timeout(20),
        exchange(agent_that_sees(seen)) as running,
        aiohttp.ClientSession() as http,
    ):
        status, code, sentence = await refusal(running, http, request_)
    assert (status, code) == (400, "bad_request")
    assert "the fields for the agent have more than 4000 characters" in sentence
    assert seen == []


async def test_an_agent_that_cannot_take_a_call_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The client reads a sentence and may try again. Nothing of the agent's inside is in it, and no place is taken."""

    async def make_deps() -> None:
        raise KeyError("the secret of the database")

    agent = replace(Mind().agent(), make_deps=make_deps)
    async with asyncio.timeout(20), exchange(agent) as running, aiohttp.ClientSession() as http:
        told = await refusal(running, http, {})
        assert told == (503, "agent_unavailable", "The agent cannot take this call. Please try again later. 1013")
        assert len(running.directory) == 0
    assert caplog.text.count("make_deps of Test failed: KeyError at test_beginnings.py") == 2
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
