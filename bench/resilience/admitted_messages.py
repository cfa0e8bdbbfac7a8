"""An admitted caller whose messages do harm, if nothing limits them. One real client, for a number of seconds.

    python -m bench.resilience.admitted_messages http://127.0.0.1:8080 --attack typed --seconds 30

The attacks:

- `typed` types in a loop;
- `nothing` is on the line and does no harm, for comparison;
- `moves` sends offers for its live call without end;
- `resumes` attaches by WebSocket again and again;
- `empty`, `pings`, `tiny` send empty frames, pings, and sound of one byte; `pieces` sends a message in endless pieces;
- `chatter` sends reports, pings and nonsense.

A client that is cut off calls again after a second. At the end one line of JSON says what it sent and what it was told.
"""

import argparse
import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.loopback import keep_to_loopback
from tests.phone import Phone

AGAIN_S = 1.0
"""How long a client that was cut off waits before it calls again."""
TYPED_A_SECOND = 200
AT_ONCE = 500
"""How many frames are sent before the client looks whether it is still connected, and lets its own loop run."""
OFFERS_AT_ONCE = 8
"""How many offers are on their way at the same time."""
CONTINUED, TEXT = 0, 1  # opcodes (RFC 6455, section 5.2), of frames that are not the last one of their message
SENTENCE = "Where is my order number four two seven one, please, and when will it come?"


class Attacker:
    """One caller. `counts` has what it has sent, what it was told, and how often it was cut off."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/")
        self._http = http
        self.counts = Counter[str]()

    async def nothing(self) -> None:
        """Be on the line and do no harm: what two more callers cost anyway."""
        async with self._socket() as ws:
            while not ws.closed:  # noqa: ASYNC110  # the socket has no event for it
                await asyncio.sleep(0.1)
        raise ConnectionError("cut off")

    async def typed(self) -> None:
        """Type the same sentence 200 times a second."""
        async with self._socket() as ws:
            while True:
                await ws.send_json({"type": "text", "text": SENTENCE})
                self.counts["texts sent"] += 1
                await asyncio.sleep(1 / TYPED_A_SECOND)

    async def chatter(self) -> None:
        """Send reports, pings and nonsense as fast as the server takes them."""
        async with self._socket() as ws:
            for number in itertools.count():
                for message in (
                    {"type": "heard", "reply": 1, "gap_ms": 1e308},
                    {"type": "heard", "reply": number % 9, "gap_ms": 1},
                    {"type": "ping", "t": number},
                    {"type": "interrupt"},
                    {"type": "dance"},
                    "nonsense",
                ):
                    await ws.send_json(message)
                    self.counts["messages sent"] += 1
                await asyncio.sleep(0)

    async def empty(self) -> None:
        """Send empty texts and empty sound as fast as the server takes them."""
        async with self._socket() as ws:
            while True:
                for _ in range(AT_ONCE // 2):
                    await ws.send_str("")
                    await ws.send_bytes(b"")
                self.counts["frames sent"] += AT_ONCE
                await asyncio.sleep(0)

    async def pings(self) -> None:
        """Send pings as fast as the server takes them."""
        async with self._socket() as ws:
            while True:
                for _ in range(AT_ONCE):
                    await ws.ping(b"x")
                self.counts["frames sent"] += AT_ONCE
                await asyncio.sleep(0)

    async def tiny(self) -> None:
        """Send sound in pieces of one byte as fast as the server takes them."""
        async with self._socket() as ws:
            while True:
                for _ in range(AT_ONCE):
                    await ws.send_bytes(b"\1")
                self.counts["frames sent"] += AT_ONCE
                await asyncio.sleep(0)

    async def pieces(self) -> None:
        """Send a text in empty pieces, as fast as the server takes them."""
        async with self._socket() as ws:
            transport = ws._response.connection.transport  # type: ignore[union-attr]
            assert transport is not None, "because the socket is open"
            transport.write(bytes([TEXT, 0x80, 0, 0, 0, 0]))
            while not ws.closed and not transport.is_closing():
                if transport.get_write_buffer_size() < AT_ONCE:
                    transport.write(bytes([CONTINUED, 0x80, 0, 0, 0, 0]) * AT_ONCE)
                    self.counts["frames sent"] += AT_ONCE
                await asyncio.sleep(0)
        raise ConnectionError("cut off")

    async def resumes(self) -> None:
        """Begin a call, and take it to another WebSocket without end."""
        name, token = "new", ""
        while True:
            url = f"{self._url}/api/voice/conversation/{name}"
            async with self._http.ws_connect(url) as ws:
                await ws.send_json({"type": "start", "resume": token})
                self.counts["sockets opened"] += 1
                message = await ws.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise ConnectionError("cut off")
                told = json.loads(message.data)
                if told["type"] == "session":
                    self.counts["attached"] += 1
                    name, token = told["session_id"], told["resume"]
                    await ws.close(code=4001)
                else:
                    self.counts[f"told {told.get('code')}"] += 1
                    if told.get("code") == "not_found":
                        name, token = "new", ""
                        raise ConnectionError("the call is over")

    async def moves(self) -> None:
        """Begin a call by WebRTC, and send offers for it without end."""
        phone = Phone(f"{self._url}/api/offer", self._http)
        try:
            await phone.dial()
            await phone.opened.wait()
            sdp = await _offer()
            while not phone.closed.is_set():
                statuses = await asyncio.gather(*(self._move(sdp, phone.pc_id) for _ in range(OFFERS_AT_ONCE)))
                if 404 in statuses:
                    break
            raise ConnectionError("cut off")
        finally:
            await phone.hang_up()

    async def _move(self, sdp: str, pc_id: str) -> int:
        body = {"sdp": sdp, "type": "offer", "pc_id": pc_id}
        async with self._http.post(f"{self._url}/api/offer", json=body) as response:
            await response.read()
            self.counts["offers sent"] += 1
            self.counts[f"status {response.status}"] += 1
            return response.status

    @asynccontextmanager
    async def _socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A call by WebSocket, which reads what it is told. Raises ConnectionError when it is cut off."""
        async with self._http.ws_connect(f"{self._url}/api/voice/conversation/new", autoping=False) as ws:
            await ws.send_json({"type": "start"})
            self.counts["calls"] += 1
            reading = asyncio.create_task(self._read(ws), name="attacker-read")
            try:
                yield ws
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.PING:
                await ws.pong(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                self.counts["pongs received"] += 1
            elif message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                self.counts["told " + (told["code"] if told["type"] == "error" else told["type"])] += 1


async def _offer() -> str:
    """The offer of a peer that never connects."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        pc.addTransceiver("audio", "sendrecv")
        pc.createDataChannel("events")
        await pc.setLocalDescription(await pc.createOffer())
        return pc.localDescription.sdp
    finally:
        await pc.close()


async def attack(url: str, name: str, seconds: float, token: str) -> Counter[str]:
    """Run one attack for so long. Returns the counts of the attacker."""
    keep_to_loopback()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        attacker = Attacker(url, http)
        once: Callable[[], Awaitable[None]] = getattr(attacker, name)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        await once()
                    except (OSError, aiohttp.ClientError):
                        attacker.counts["cut off"] += 1
                    await asyncio.sleep(AGAIN_S)
    return attacker.counts


ATTACKS = ("nothing", "typed", "moves", "resumes", "empty", "pings", "tiny", "pieces", "chatter")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.resilience.admitted_messages", description="An admitted caller that does harm."
    )
    parser.add_argument("url")
    parser.add_argument("--attack", choices=ATTACKS, required=True)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long it goes on")
    parser.add_argument("--token", default="", help="a token that lets the caller in")
    given = parser.parse_args()
    counts = asyncio.run(attack(given.url, given.attack, given.seconds, given.token))
    print(json.dumps({"attack": given.attack, "seconds": given.seconds, **counts}), flush=True)


if __name__ == "__main__":
    main()
