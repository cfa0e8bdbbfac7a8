"""Clients on the WebSocket that are let in and then do harm, over real sockets: they harm nobody but themselves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from server.call.attachment import CONNECTIONS_AT_ONCE
from server.call.line import ws_calls
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.signaling.test_websocket import CONTINUED, TEXT, UPGRADE, frame
from tests.socket_phone import SocketPhone

pytestmark = pytest.mark.loopback_time


@asynccontextmanager
async def connected(running: Exchange, session_id: str = "new", **start: Any) -> AsyncIterator[Any]:
    """A WebSocket whose `start` is sent, and its first message."""
    url = f"{running.home}/api/voice/conversation/{session_id}"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        await ws.send_json({"type": "start", **start})
        yield ws, json.loads((await ws.receive()).data)


async def until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def is_answered(running: Exchange) -> None:
    """Another caller asks, and gets an answer."""
    async with aiohttp.ClientSession() as http:
        phone = SocketPhone(running.home, http)
        await phone.dial()
        phone.send(type="text", text="hello")
        await phone.until(type="response", text="You said hello.", final=True)
        await phone.hang_up()


async def test_endless_pieces_are_cut_off() -> None:
    """A client that sends a message in endless empty pieces is cut off and told why. Its conversation waits for it."""
    async with asyncio.timeout(30), exchange(Mind().agent(), resume_s=60) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        writer.write(UPGRADE.encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(TEXT, b'{"type":"start"}') + frame(TEXT, b"a", final=False))
        sending = asyncio.create_task(without_end(writer, frame(CONTINUED, final=False) * 1_000))
        told = b""
        while b"too_fast" not in told:
            told += await reader.readexactly(1)
        await sending
        await is_answered(running)
        assert running.directory.detached == 1
        writer.close()


async def test_a_flood_before_the_call_begins_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that floods its socket instead of sending `start` is told so, and no place is taken."""
    monkeypatch.setattr(ws_calls, "START_S", 10)
    async with asyncio.timeout(30), exchange(Mind().agent(), resume_s=60) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        writer.write(UPGRADE.encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(TEXT, b"a", final=False))
        sending = asyncio.create_task(without_end(writer, frame(CONTINUED, final=False) * 1_000))
        told = b""
        while b"before the call began" not in told:
            told += await reader.readexactly(1)
        await sending
        assert running.directory.opened == 0
        writer.close()


async def without_end(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send `data` again and again, until the server closes the connection."""
    try:
        while not writer.is_closing():
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return


async def test_sockets_that_resume_again_and_again_are_refused() -> None:
    """A conversation changes its connection a few times at once. Then its client is told to wait; the call goes on."""
    async with asyncio.timeout(30), exchange(Mind().agent(), resume_s=60) as running:
        async with connected(running) as (first, hello):
            name, token, refused = hello["session_id"], hello["resume"], []
            for _ in range(2 * CONNECTIONS_AT_ONCE):
                async with connected(running, name, resume=token) as (ws, told):
                    if told["type"] == "session":
                        token = told["resume"]
                        transport = ws._response.connection.transport
                        transport.abort()
                    else:
                        refused.append((told["code"], told["final"]))
                        await ws.receive()
                        assert ws.close_code == 1013
            assert refused[0] == ("too_many", True)
            assert len(refused) >= CONNECTIONS_AT_ONCE - 2
            assert len(running.directory) == 1
            assert first.closed or (await closed(first)) == 4000


async def closed(ws: aiohttp.ClientWebSocketResponse) -> int | None:
    """The close code, when the server has closed the WebSocket."""
    while (await ws.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
        pass
    return ws.close_code


@pytest.mark.parametrize(("code", "left"), [(1000, 0), (1001, 1), (4001, 1)])
async def test_a_caller_who_closes_normally_has_hung_up(code: int, left: int) -> None:
    """The close code 1000 ends the conversation at once. After any other code it waits for another connection."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=60) as running:
        async with connected(running) as (ws, hello):
            await ws.close(code=code)
        if left:
            await until(lambda: running.directory.detached == 1)
            async with connected(running, hello["session_id"], resume=hello["resume"]) as (_, told):
                assert told["resumed"]
        else:
            await until(lambda: len(running.directory) == 0)
            assert running.notebook.records[hello["session_id"]].ended_ms is not None


async def test_an_old_connection_cannot_hang_up() -> None:
    """When the call has gone to a newer connection, the older one that closes normally does not end it."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=60) as running:
        async with connected(running) as (first, hello):
            async with connected(running, hello["session_id"], resume=hello["resume"]) as (second, _):
                await first.close(code=1000)
                await second.send_json({"type": "text", "text": "hello"})
                while json.loads(await second.receive_str())["type"] != "transcription":
                    pass
                assert len(running.directory) == 1


async def test_a_call_that_cannot_be_made_leaves_no_place_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the constructor of a call fails, its client is told, and its place is free."""

    class Broken:
        def __init__(self, *_: object) -> None:
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(ws_calls, "WsCall", Broken)
    async with asyncio.timeout(20), exchange(Mind().agent(), limit=2) as running:
        for _ in range(5):
            async with connected(running) as (ws, told):
                assert (told["code"], told["final"]) == ("internal", True)
                await ws.receive()
                assert ws.close_code == 1011
            assert len(running.directory) == 0


async def test_a_call_that_cannot_be_attached_leaves_no_place_taken(caplog: pytest.LogCaptureFixture) -> None:
    """When a fault comes up while a connection is joined to its session, its client is told, and its place is free."""
    async with asyncio.timeout(20), exchange(Mind().agent(), limit=2) as running:

        def fail(record: object) -> None:
            raise RuntimeError("no store")

        running.notebook.note = fail  # type: ignore[method-assign]
        for _ in range(5):
            async with connected(running) as (ws, told):
                assert (told["code"], told["final"]) == ("internal", True)
                assert await closed(ws) == 1011
            await until(lambda: len(running.directory) == 0)
    assert "no store" in caplog.text
