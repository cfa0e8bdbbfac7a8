"""The WebSocket as calls use it: what it reads, how fast, and how it ends. Real sockets; the client writes frames."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.call.caller import Caller
from signaling.access import Access
from signaling.meter import BYTES_A_SECOND, BYTES_AT_ONCE
from signaling.websocket import MESSAGES_A_SECOND, WebSocket, add_routes

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10  # opcodes (RFC 6455, section 5.2)
UPGRADE = (
    "GET /api/voice/conversation/new HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"", final: bool = True) -> bytes:
    """A frame of a client, with a mask of zeros."""
    assert len(payload) < 126
    return bytes([0x80 * final | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Reading:
    """Serves one socket with `read`. What that returns is in `result`, or what it raises."""

    def __init__(self, read: Callable[[WebSocket], Awaitable[object]]) -> None:
        self._read = read
        self.result: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    def pace(self, caller: Caller) -> None:
        pass

    async def serve(self, session_id: str, caller: Caller, socket: WebSocket) -> None:
        try:
            self.result.set_result(await self._read(socket))
        except Exception as exc:
            self.result.set_exception(exc)


@asynccontextmanager
async def reading(
    read: Callable[[WebSocket], Awaitable[object]],
) -> AsyncIterator[tuple[Reading, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A server that reads its WebSocket with `read`, and a client whose WebSocket is open."""
    served, app = Reading(read), web.Application()
    add_routes(app, served, Access().admit)
    async with TestServer(app, host="127.0.0.1") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(UPGRADE.encode())
            await reader.readuntil(b"\r\n\r\n")
            yield served, reader, writer
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def until_text(socket: WebSocket) -> int:
    """How many frames come before the first text that is not empty."""
    count = 0
    while not isinstance(item := await socket.receive(), str) or not item:
        assert item is not None
        count += 1
    return count


@pytest.mark.parametrize(
    "unit",
    [frame(TEXT), frame(BINARY), frame(PING), frame(PONG), frame(BINARY, b"\1"), frame(PING, bytes(120))],
    ids=["empty text", "empty binary", "ping", "pong", "one byte", "long ping"],
)
async def test_every_frame_counts(unit: bytes) -> None:
    """Frames of every kind are read at the limited rate, and other tasks run between any two of them."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(20), reading(until_text) as (served, _, writer):
        other = asyncio.create_task(others())
        begun_s = asyncio.get_running_loop().time()
        count = 2 * MESSAGES_A_SECOND
        writer.write(unit * count + frame(TEXT, b"done"))
        assert await served.result == count
        assert asyncio.get_running_loop().time() - begun_s >= (count - MESSAGES_A_SECOND) / MESSAGES_A_SECOND
        assert turns >= count
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)


async def test_pings_are_answered_at_the_pace_at_which_they_are_read() -> None:
    """A client that sends pings without end gets no more pongs than frames are read."""
    async with asyncio.timeout(20), reading(until_text) as (_, reader, writer):
        begun_s, pongs = asyncio.get_running_loop().time(), 0
        writer.write(frame(PING) * 5_000)
        while pongs < MESSAGES_A_SECOND + 100:
            head = await reader.readexactly(2)
            assert head == bytes([0x80 | PONG, 0])
            pongs += 1
        assert asyncio.get_running_loop().time() - begun_s >= 100 / MESSAGES_A_SECOND - 0.1


async def flood(socket: WebSocket) -> bool:
    """Read to the end, or until the socket is flooded."""
    receiving = asyncio.ensure_future(until_text(socket))
    while not socket.flooded and not receiving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    return socket.flooded


async def test_a_message_in_endless_pieces_floods_the_socket() -> None:
    """Empty pieces of a message that never ends give no message. After a limit nothing more is read of them."""
    async with asyncio.timeout(20), reading(flood) as (served, _, writer):
        writer.write(frame(TEXT, b"a", final=False))
        piece, sent = frame(CONTINUED, final=False) * 1_000, 0
        while not served.result.done():
            sent += len(piece)
            assert sent < 20 * BYTES_AT_ONCE
            try:
                writer.write(piece)
                await writer.drain()
            except ConnectionError:
                break
        assert await served.result is True


async def test_much_sound_at_once_is_no_flood() -> None:
    """Two seconds of sound at once pass, and three times its real pace is below the limit."""
    sound = os.urandom(2 * 48_000 * 2)  # two seconds at 48 kHz
    assert BYTES_A_SECOND > 3 * 2 * 48_000

    async def read(socket: WebSocket) -> bool:
        await until_text(socket)
        return socket.flooded

    async with asyncio.timeout(20), reading(read) as (served, _, writer):
        pieces = [sound[at : at + 1_920] for at in range(0, len(sound), 1_920)]
        for piece in pieces:
            head = bytes([0x80 | BINARY, 0xFE]) + len(piece).to_bytes(2) + bytes(4)
            writer.write(head + piece)
        writer.write(frame(TEXT, b"done"))
        assert await served.result is False


@pytest.mark.parametrize(
    ("code", "hung_up"),
    [(b"\x03\xe8", True), (b"\x03\xe9", False), (b"\x0f\xa1", False), (b"", False)],
    ids=["1000", "1001", "4001", "no code"],
)
async def test_only_a_normal_closure_hangs_up(code: bytes, hung_up: bool) -> None:
    """The close code 1000 says that the caller has hung up. Any other end is a lost connection."""

    async def read(socket: WebSocket) -> bool:
        while await socket.receive() is not None:
            pass
        return socket.hung_up

    async with asyncio.timeout(20), reading(read) as (served, _, writer):
        writer.write(frame(TEXT, b"hello"))
        writer.write(frame(CLOSE, code))
        assert await served.result is hung_up
