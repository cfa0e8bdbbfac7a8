"""Where the calls of Pipecat's clients begin: /start, /connect, and the WebSocket. A server with real calls."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from signaling.access import Access
from signaling.key_set import KeySet
from signaling.keys import secret_key
from signaling.rtvi.frames import Message, Sound, message_frame, read_frame, sound_frame
from signaling.rtvi.session_id import NEW
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.phone import Phone
from tests.signaling.rtvi.client import READY, message
from tests.tokens import SECRET, token

STORY = "Once upon a time there was a shop that sold everything but time."


class Socket:
    """A client on a WebSocket, as Pipecat's transport is one."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.sound_bytes = 0
        self.told: list[tuple[str, Any]] = []

    async def says(self, kind: str, data: Any = None) -> None:
        await self._socket.send_bytes(message_frame(message(kind, data)))

    async def sounds(self, pcm: bytes) -> None:
        await self._socket.send_bytes(sound_frame(pcm, 16_000))

    async def until(self, kind: str) -> Any:
        """Read until a message of this type comes; its data."""
        while True:
            frame = read_frame(await self._socket.receive_bytes())
            if isinstance(frame, Sound):
                assert frame.sample_rate == 24_000
                self.sound_bytes += len(frame.pcm)
            elif isinstance(frame, Message):
                told = json.loads(frame.text)
                self.told.append((told["type"], told.get("data")))
                if told["type"] == kind:
                    return told.get("data")

    async def close_code(self) -> int | None:
        while (await self._socket.receive()).type != aiohttp.WSMsgType.CLOSE:
            pass
        return self._socket.close_code

    async def drop(self) -> None:
        """The page goes away. With 1000 the caller would hang up."""
        await self._socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)


@asynccontextmanager
async def calling(http: aiohttp.ClientSession, where: dict[str, str]) -> AsyncIterator[Socket]:
    """A connection as the answer to /start or /connect tells."""
    address, given = where["wsUrl"], where.get("token")
    async with http.ws_connect(f"{address}?token={given}" if given else address) as socket:
        yield Socket(socket)


async def posted(http: aiohttp.ClientSession, running: Exchange, path: str, body: Any = None) -> dict[str, Any]:
    async with http.post(running.home + path, json=body) as response:
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


async def test_a_call_by_websocket() -> None:
    """The call begins with what was chosen. The answer is heard at 24 kHz, and shown as it is heard."""
    async with (
        asyncio.timeout(20),
        exchange(Mind(answers={"tell": STORY}).agent(), resume_s=30, chars_per_s=45) as running,
    ):
        async with aiohttp.ClientSession() as http:
            where = await posted(http, running, "/connect", {"body": {"patience": "quick", "x_page": "orders"}})
            assert where["wsUrl"].startswith(f"{running.home.replace('http', 'ws')}/rtvi/")
            async with calling(http, where) as client:
                await client.says("client-ready", READY)
                assert (await client.until("bot-ready"))["version"] == "2.2.0"
                session = await client.until("server-message")
                assert running.options[0].patience == "quick"
                await client.sounds(bytes(512))
                await client.says("send-text", {"content": "tell"})
                await client.until("bot-stopped-speaking")
                assert client.sound_bytes / 48_000 == pytest.approx(len(STORY) / 45, rel=0.1)
                words = " ".join(data["text"] for kind, data in client.told if kind == "bot-tts-text")
                assert words == STORY
                outputs = [data for kind, data in client.told if kind == "bot-output"]
                assert " ".join(each["text"] for each in outputs if each["spoken_status"] == "new") == STORY
                assert outputs[-1]["spoken_progress"]["remaining_text"] == ""
                await client.drop()
            back = {"session_id": session["session_id"], "resume": session["resume"]}
            where = await posted(http, running, "/start", {"transport": "websocket", "body": back})
            async with calling(http, where) as client:  # the client has to connect anew by itself
                await client.says("client-ready", READY)
                assert (await client.until("server-message"))["resumed"]
                await client.says("disconnect-bot")
                assert await client.close_code() == 1000
        assert len(running.directory) == 0


async def test_an_offer_for_a_session() -> None:
    """The session has what was chosen at /start; what the offer says wins."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        start = await posted(http, running, "/start", {"body": {"patience": "quick", "temperature": 1}})
        assert start["iceConfig"]["iceServers"][0]["urls"] == ["turn:turn.example.org"]
        phone = Phone(f"{running.home}/sessions/{start['sessionId']}/api/offer", http)
        await phone.dial(requestData={"temperature": 0.5})
        await phone.opened.wait()
        await phone.hang_up()
        assert (running.options[0].patience, running.options[0].temperature) == ("quick", 0.5)


async def test_a_call_goes_on_over_another_peer() -> None:
    """The library makes another connection for the same page, whose segments go on where they were."""
    mind = Mind(answers={"tell": f"{STORY} {STORY}"})
    async with asyncio.timeout(20), exchange(mind.agent(), chars_per_s=60) as running:
        async with aiohttp.ClientSession() as http:
            first, later = Phone(running.url, http), Phone(running.url, http)
            await first.dial(pc_id=None, restart_pc=False)
            await first.opened.wait()
            first.channel.send(message("client-ready", READY))
            await first.until(type="bot-ready")
            first.channel.send(message("send-text", {"content": "tell"}))
            await first.until(type="bot-tts-text")
            await later.dial(pc_id=first.pc_id, restart_pc=True)
            await later.until(type="bot-stopped-speaking")
            before, after = (
                [each["data"] for each in phone.told if each["type"] == "bot-output"] for phone in (first, later)
            )
            new = {each["segment_id"]: each["text"] for each in before + after if each["spoken_status"] == "new"}
            assert " ".join(new.values()) == f"{STORY} {STORY}"
            assert (after[-1]["segment_id"], after[-1]["spoken_status"]) == (max(new), "completed")
            await first.hang_up()
            await later.hang_up()


async def test_a_start_without_a_body_begins_a_new_session() -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.post(running.home + "/start") as response:
            assert (await response.json())["sessionId"] == NEW
        way = running.home + "/agents/desk"
        async with http.post(way + "/connect", json={}) as response:
            assert (await response.json())["wsUrl"].endswith(f"/agents/desk/rtvi/{NEW}")
        async with http.post(way + "/start", json={"transport": None, "body": None}) as response:
            assert (await response.json())["sessionId"] == NEW, "as libraries write what is left out"
        response = await http.post(f"{running.home}/agents/a%3Fb/connect")
        assert (await response.json())["wsUrl"].endswith(f"/agents/a%3Fb/rtvi/{NEW}")


async def test_the_address_carries_the_token_of_the_caller() -> None:
    """A page cannot send a header with its WebSocket. Without a token nobody begins a call."""
    access, given = Access(KeySet([secret_key(SECRET)])), token()
    async with exchange(Mind().agent(), access=access) as running, aiohttp.ClientSession() as http:
        headers = CIMultiDict({"Authorization": f"Bearer {given}"})
        async with http.post(running.home + "/connect", json={}, headers=headers) as response:
            where = await response.json()
        assert where["wsUrl"].endswith(f"?access_token={given}")
        async with calling(http, where) as client:
            await client.says("client-ready", READY)
            await client.until("bot-ready")
        for method, path in (("POST", "/start"), ("POST", "/connect"), ("GET", "/rtvi"), ("GET", "/rtvi/new")):
            async with http.request(method, running.home + path) as response:
                assert response.status == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/start", {"body": "x"}, 400),
        ("POST", "/start", {"body": {"text": "a" * 8_000}}, 400),
        ("POST", "/start", {"body": {"instructions": "a" * 8_000}}, 400),
        ("POST", "/start", {"transport": "websocket", "body": {"patience": 5}}, 400),
        ("POST", "/connect", {"body": {"session_id": 5, "resume": {}}}, 400),
        ("POST", "/connect", {"transport": 5}, 400),
        ("POST", "/sessions/no-session/api/offer", {"sdp": "v=0", "type": "offer"}, 404),
        ("GET", "/rtvi/no-session", None, 404),
        ("GET", "/rtvi/eyJ0ZW1wZXJhdHVyZSI6OX0", None, 400),
        ("GET", f"/rtvi?token=a.{'b' * 200}", None, 400),
    ],
)
async def test_what_is_refused(method: str, path: str, body: Any, status: int) -> None:
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.request(method, running.home + path, json=body) as response:
            assert response.status == status
            assert (await response.json())["error"]["message"]


async def test_an_expired_token_gets_credentials_only_for_a_call_that_goes_on() -> None:
    """Otherwise whoever had a token once would have a relay for good."""
    access = Access(KeySet([secret_key(SECRET)]))
    async with exchange(Mind().agent(), access=access) as running, aiohttp.ClientSession() as http:
        valid, expired = ({"Authorization": f"Bearer {token(exp=int(time.time()) + s)}"} for s in (600, -900))
        assert (await http.post(running.home + "/start", headers=expired)).status == 401
        connected = await http.post(running.home + "/connect", json={}, headers=valid)
        async with calling(http, await connected.json()) as client:
            await client.says("client-ready", READY)
            await client.until("bot-ready")
            assert (await http.post(running.home + "/start", headers=expired)).status == 200
