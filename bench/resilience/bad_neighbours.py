"""Clients that behave badly by the WebSocket, until SIGTERM: some never read, others send faster than anybody speaks.

    python -m bench.resilience.bad_neighbours http://127.0.0.1:8080 --readers 4 --writers 4

Prints "begun" when each of them has had a call, and at the end one line of JSON: how often each kind was cut off, and
how many bytes the server took from those that flood. A client that is cut off calls again.
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from bench.common.sentences import QUESTION
from tests.voices import speak

RATE = 48_000
"""Samples a second of what they send."""
PIECE = 2 * RATE // 50
"""The bytes of 20 ms of sound."""
FLOOD_BYTES = 32_000
"""How many bytes a client that floods sends in one message."""
ASK_EVERY_S = 2.0
"""How often a client that never reads asks a question. Without answers there would be nothing to read."""
AGAIN_S = 1.0
"""How long a client that was cut off waits before it calls again. The page waits as long."""
NICENESS = 19
"""The priority of this process is the lowest: it shares a core with the good callers, whose clock is measured."""
RECEIVE_BYTES = 4_096
"""The kernel's receive buffer for a client that never reads. It is small, so that the unread data fills the server."""
TEXT, BINARY = 1, 2  # opcodes (RFC 6455, section 5.2)


async def never_read(url: str, counts: Counter[str]) -> None:
    """A call that speaks in real time, types questions, and never reads what it is sent, until it is cut off."""
    voice = speak(QUESTION, "en-us", RATE).ljust(4 * 2 * RATE, b"\0")
    async with upgraded(url) as writer:
        await send(writer, TEXT, b'{"type":"start","audio":{"sample_rate":48000}}')
        counts["readers begun"] += 1
        loop = asyncio.get_running_loop()
        start_s = asked_s = loop.time()
        number = 0
        while True:
            at = number * PIECE % len(voice)
            await send(writer, BINARY, voice[at : at + PIECE])
            if loop.time() - asked_s > ASK_EVERY_S:
                asked_s = loop.time()
                await send(writer, TEXT, json.dumps({"type": "text", "text": QUESTION}).encode())
            number += 1
            await asyncio.sleep(max(0.0, start_s + number * 0.02 - loop.time()))


@asynccontextmanager
async def upgraded(url: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A WebSocket from which nothing is read after the handshake."""
    place = urlsplit(url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (place.hostname, place.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=RECEIVE_BYTES)
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    try:
        writer.write(request.encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        yield writer
    finally:
        writer.transport.abort()


async def send(writer: asyncio.StreamWriter, opcode: int, payload: bytes) -> None:
    """Send one WebSocket frame with a mask of zeros. Raises ConnectionError when the server is gone."""
    size = len(payload)
    head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2)
    writer.write(head + bytes(4) + payload)
    await writer.drain()


async def flood(url: str, counts: Counter[str], http: aiohttp.ClientSession) -> None:
    """A call that sends the same sentence as fast as the server takes it, until it is cut off."""
    voice = speak(QUESTION, "en-us", RATE)
    async with http.ws_connect(url) as ws, asyncio.TaskGroup() as group:
        await ws.send_json({"type": "start", "audio": {"sample_rate": RATE}})
        counts["writers begun"] += 1
        reading = group.create_task(_read(ws), name="flood-read")
        while not ws.closed:
            for at in range(0, len(voice), FLOOD_BYTES):
                await ws.send_bytes(voice[at : at + FLOOD_BYTES])
                counts["flood bytes"] += FLOOD_BYTES
        reading.cancel()


async def _read(ws: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in ws:
        pass
    raise ConnectionError("cut off")


async def for_ever(kind: str, url: str, counts: Counter[str], http: aiohttp.ClientSession) -> None:
    """One client that calls again whenever it is cut off; `kind` is "readers" or "writers"."""
    while True:
        try:
            await (never_read(url, counts) if kind == "readers" else flood(url, counts, http))
        except* (OSError, aiohttp.ClientError):
            counts[f"{kind} cut off"] += 1
        await asyncio.sleep(AGAIN_S)


async def behave(given: argparse.Namespace) -> Counter[str]:
    """All clients, until SIGTERM; what they have counted."""
    url, counts, end = f"{given.url.rstrip('/')}/api/voice/conversation/new", Counter[str](), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    async with aiohttp.ClientSession() as http:
        kinds = ["readers"] * given.readers + ["writers"] * given.writers
        tasks = [asyncio.create_task(for_ever(kind, url, counts, http), name=kind) for kind in kinds]
        while counts["readers begun"] + counts["writers begun"] < len(kinds):  # noqa: ASYNC110  # counts have no event
            await asyncio.sleep(0.05)
        print("begun", flush=True)
        await end.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.resilience.bad_neighbours", description="Clients that behave badly."
    )
    parser.add_argument("url")
    parser.add_argument("--readers", type=int, default=4, help="clients that never read")
    parser.add_argument("--writers", type=int, default=4, help="clients that flood")
    given = parser.parse_args()
    os.nice(NICENESS)
    print(json.dumps(asyncio.run(behave(given))), flush=True)


if __name__ == "__main__":
    main()
