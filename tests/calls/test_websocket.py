"""The WebSocket over real sockets: the simplest client, wrong clients, slow clients, and clients that flood."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import numpy as np
import pytest

from server.errors import ConfigError
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.socket_phone import SocketPhone
from tests.voices import speak

STORY = "Once upon a time there was a shop that sold everything but time. " * 8


@asynccontextmanager
async def connected(running: Exchange, session_id: str = "new", **headers: str) -> AsyncIterator[Any]:
    url = f"{running.home}/api/voice/conversation/{session_id}"
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=headers) as ws:
        yield ws


async def told(ws: aiohttp.ClientWebSocketResponse, **wanted: Any) -> dict[str, Any]:
    """The next text message that has all of `wanted`."""
    while True:
        message = await ws.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(message.data)
            if all(found.get(name) == value for name, value in wanted.items()):
                return found
        elif message.type is not aiohttp.WSMsgType.BINARY:
            raise AssertionError(f"closed with {ws.close_code} before {wanted}")


async def test_the_simplest_client() -> None:
    """A client that sends 16 kHz PCM in pieces of any size receives JSON and PCM of the same kind."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, connected(running) as ws:
        pcm = speak("What time is it?", rate_hz=16_000) + bytes(32_000)
        for start in range(0, len(pcm), 1_234):
            await ws.send_bytes(pcm[start : start + 1_234])
        hello = await told(ws, type="session")
        assert hello["audio"] == {"encoding": "pcm16", "sample_rate": 16_000}
        assert (await told(ws, type="transcription", final=True))["text"] == "what time is it"
        assert (await told(ws, type="audio"))["reply"] == 1
        sound = b""
        while len(sound) < 32_000:
            message = await ws.receive()
            sound += message.data if message.type is aiohttp.WSMsgType.BINARY else b""
        samples = np.frombuffer(sound, np.int16).astype(np.float64)
        assert np.argmax(np.abs(np.fft.rfft(samples))) * 16_000 / len(samples) == pytest.approx(400, abs=5)


async def test_a_client_that_only_listens_is_greeted() -> None:
    """If the client sends nothing, the call begins after a second."""
    async with asyncio.timeout(20), exchange(Mind().agent("Hello.")) as running, connected(running) as ws:
        await told(ws, type="session")
        assert (await told(ws, type="response", final=True))["text"] == "Hello."


@pytest.mark.parametrize(
    ("encoding", "sample_rate"), [("pcmu", 8_000), ("pcma", 8_000), ("opus", 48_000), ("pcm16", 24_000)]
)
async def test_other_formats(encoding: str, sample_rate: int) -> None:
    """The client chooses a format, and receives sound in the same format."""
    async with asyncio.timeout(20), exchange(Mind().agent("Hello.")) as running, connected(running) as ws:
        audio = {"encoding": encoding, "sample_rate": sample_rate}
        await ws.send_json({"type": "start", "audio": audio})
        assert (await told(ws, type="session"))["audio"] == audio
        await told(ws, type="audio", reply=1)
        message = await ws.receive()
        while message.type is not aiohttp.WSMsgType.BINARY:
            message = await ws.receive()
        assert 0 < len(message.data) <= 2 * sample_rate // 50


async def test_a_sign_of_life_is_not_a_beginning() -> None:
    """A ping before `start`, which some libraries and proxies send, does not begin the call."""
    async with asyncio.timeout(20), exchange(Mind().agent("Hello.")) as running, connected(running) as ws:
        audio = {"encoding": "pcmu", "sample_rate": 8_000}
        await ws.ping()
        await ws.send_json({"type": "start", "audio": audio})
        assert (await told(ws, type="session"))["audio"] == audio


async def test_who_is_gone_before_the_beginning_was_never_there() -> None:
    """A client that only opens and closes the socket begins no call and leaves no conversation."""
    async with asyncio.timeout(20), exchange(Mind().agent("Hello."), resume_s=30) as running:
        async with connected(running):
            pass
        async with connected(running) as ws:
            await ws.send_json({"type": "start"})
            await told(ws, type="session")
            assert running.directory.opened == 1


@pytest.mark.parametrize(
    "first",
    [
        "no JSON",
        "[]",
        '{"type": "start", "audio": {"encoding": "mp3"}}',
        '{"type": "start", "audio": {"encoding": "pcmu", "sample_rate": 16000}}',
        '{"type": "start", "temperature": 9}',
    ],
)
async def test_a_wrong_start_is_told_so(first: str) -> None:
    """On a wrong first message the client is told why, the socket closes with 1008, and no place stays taken."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, connected(running) as ws:
        await ws.send_str(first)
        error = await told(ws, type="error")
        assert error["final"]
        assert error["message"]
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1008
        assert len(running.directory) == 0


async def test_a_wrong_token_is_not_told_whether_the_name_exists() -> None:
    """A wrong token gets the same answer for a live conversation and for one that does not exist."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running, connected(running) as ws:
        await ws.send_json({"type": "start"})
        session_id = (await told(ws, type="session"))["session_id"]
        answers = []
        for name in (session_id, "nobody"):
            async with connected(running, name) as stranger:
                await stranger.send_json({"type": "start", "resume": "guess"})
                error = await told(stranger, type="error")
                await stranger.receive()
                answers.append((error, stranger.close_code))
        assert answers[0] == answers[1]
        assert answers[0][1] == 1008
        assert len(running.directory) == 1


async def test_another_sites_page_may_not_call() -> None:
    """A foreign Origin is refused before the upgrade; the server's own is not."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with connected(running, Origin="https://elsewhere.example"):
                pass
        assert refusal.value.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with connected(running, Origin="http://[of no form"):
                pass
        async with connected(running, Origin=running.home) as ws:
            await ws.send_json({"type": "start"})
            await told(ws, type="session")


@pytest.mark.parametrize(
    ("fault", "code", "logged"),
    [(ValueError("no database"), "internal", "ValueError: no database"), (ConfigError("no key"), "config", "no key")],
)
async def test_a_fault_before_the_call_is_told(
    caplog: pytest.LogCaptureFixture, fault: Exception, code: str, logged: str
) -> None:
    """When an agent cannot begin, the client gets an error and a close code, and the log the reason."""

    class Broken:
        @property
        def call(self) -> None:
            return None

        @call.setter
        def call(self, control: object) -> None:
            raise fault

    agent = replace(Mind().agent(), make_deps=Broken)
    async with asyncio.timeout(20), exchange(agent) as running, connected(running) as ws:
        await ws.send_json({"type": "start"})
        error = await told(ws, type="error")
        assert (error["code"], error["final"]) == (code, True)
        assert logged not in error["message"]
        await ws.receive()
        assert ws.close_code == 1011
    assert logged in caplog.text


async def test_when_all_lines_are_busy() -> None:
    """When all lines are busy, the client is told so, and the socket closes with "try again later" (1013)."""
    async with asyncio.timeout(20), exchange(Mind().agent(), limit=1) as running, connected(running) as first:
        await first.send_json({"type": "start"})
        await told(first, type="session")
        async with connected(running) as second:
            await second.send_json({"type": "start"})
            assert (await told(second, type="error"))["code"] == "at_capacity"
            await second.receive()
            assert second.close_code == 1013


async def connect_often(running: Exchange, times: int, headers: dict[str, str]) -> None:
    for _ in range(times):
        async with connected(running, **headers):
            pass


async def test_a_caller_with_too_many_calls_is_told_so() -> None:
    """A caller who has too many calls gets an error. One whose sockets come too fast gets none at all (429). Callers at
    other addresses are not concerned."""
    here, elsewhere = {"X-Forwarded-For": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.2"}
    async with asyncio.timeout(20), exchange(limit=2, trusted=["127.0.0.1"]) as running:
        async with connected(running, **here) as first:
            await first.send_json({"type": "start"})
            await told(first, type="session")
            async with connected(running, **here) as second:
                await second.send_json({"type": "start"})
                error = await told(second, type="error")
                assert (error["code"], error["final"]) == ("too_many", True)
                await second.receive()
                assert second.close_code == 1013
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await connect_often(running, 30, here)
            assert refused.value.status == 429
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) > 0
            async with connected(running, **elsewhere) as other:
                await other.send_json({"type": "start"})
                await told(other, type="session")


async def test_garbage_is_told_once_and_the_call_goes_on() -> None:
    """For sound that cannot be decoded the client gets one error, and the call goes on."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, connected(running) as ws:
        await ws.send_json({"type": "start", "audio": {"encoding": "opus"}})
        for _ in range(50):
            await ws.send_bytes(b"\xff" * 100)
        await told(ws, type="error", code="bad_request")
        await ws.send_json({"type": "text", "text": "hello"})
        assert (await told(ws, type="response", final=True))["text"] == "You said hello."


async def test_a_message_that_is_too_large_ends_the_connection_alone() -> None:
    """A message that is too large closes the socket with 1009, and the conversation can be resumed."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running, connected(running) as ws:
        await ws.send_json({"type": "start"})
        hello = await told(ws, type="session")
        await ws.send_bytes(bytes(200_000))
        while (await ws.receive()).type is not aiohttp.WSMsgType.CLOSE:
            pass
        assert ws.close_code == 1009
        async with connected(running, hello["session_id"]) as again:
            await again.send_json({"type": "start", "resume": hello["resume"]})
            assert (await told(again, type="session"))["resumed"]


async def test_who_floods_is_cut_off_and_told_why() -> None:
    """A client that floods for too long is cut off with the reason; its conversation waits for it."""
    async with asyncio.timeout(40), exchange(Mind().agent(), resume_s=30) as running, connected(running) as ws:
        await ws.send_json({"type": "start"})
        flooding = asyncio.ensure_future(flood(ws))
        error = await told(ws, type="error", code="too_fast")
        assert error["final"]
        while (await ws.receive()).type is not aiohttp.WSMsgType.CLOSE:
            pass
        assert ws.close_code == 1008
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert len(running.directory) == 1


async def flood(ws: aiohttp.ClientWebSocketResponse) -> None:
    while not ws.closed:
        await ws.send_bytes(bytes(32_000))


async def test_who_does_not_read_loses_sound_not_our_memory() -> None:
    """While one client does not read what it is sent, another call is served all the time."""
    mind = Mind(answers={"story": STORY})
    async with asyncio.timeout(40), exchange(mind.agent(), resume_s=30) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        request = (
            "GET /api/voice/conversation/new HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        writer.write(request.encode())
        await reader.readuntil(b"\r\n\r\n")
        for text in ('{"type":"start","audio":{"sample_rate":48000}}', '{"type":"text","text":"story"}'):
            writer.write(masked(text.encode()))
        await writer.drain()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with aiohttp.ClientSession() as http:
            phone = SocketPhone(running.home, http)
            await phone.dial()
            phone.send(type="text", text="hello")
            await phone.until(type="response", text="You said hello.", final=True)
            await phone.hang_up()
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def masked(payload: bytes) -> bytes:
    """A text frame as a client sends it (RFC 6455, section 5.2), with a mask of zeros."""
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload
