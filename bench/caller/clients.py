"""Two clients that a bench calls with: WebRTC and the WebSocket. Each speaks a script and keeps what it hears."""

import asyncio
import json
import time
from typing import Any, Protocol

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.caller.microphone import FRAME, FRAME_S, Script, ScriptedMicrophone
from bench.caller.recorder import PacketRecorder, decoded
from bench.caller.tape import HeardPacket, SpokenSpan


class Client(Protocol):
    """The caller's program, for one call."""

    metrics: list[dict[str, Any]]
    """The server's own messages about its stages, if it sends any."""
    finished: asyncio.Event
    """Set when the whole script has been spoken."""

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None: ...
    async def close(self) -> None: ...

    @property
    def said(self) -> list[SpokenSpan]: ...

    def heard(self) -> list[HeardPacket]:
        """All packets of the call. Decodes them, so call it only when the call is over."""


class WebRtcClient:
    """Calls over WebRTC, with aiortc at this end."""

    def __init__(self, script: Script, decode: bool = True) -> None:
        """Without `decode`, what is heard is decoded afterwards, so that the call costs this process less."""
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._microphone = ScriptedMicrophone(script)
        self.finished = self._microphone.finished
        self.metrics: list[dict[str, Any]] = []
        self._pc.createDataChannel("events").on("message", lambda text: _keep(self.metrics, text))
        self._pc.addTrack(self._microphone)
        self._recorder = PacketRecorder(self._pc, decode=decode)

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None:
        await connect(self._pc, http, url)

    async def close(self) -> None:
        await self._pc.close()

    @property
    def said(self) -> list[SpokenSpan]:
        return self._microphone.said

    def heard(self) -> list[HeardPacket]:
        return self._recorder.heard()


class WebSocketClient:
    """Calls by the WebSocket, and sends the script's Opus packets in its binary messages."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.finished = asyncio.Event()
        self.metrics: list[dict[str, Any]] = []
        self._packets: list[tuple[float, int, bytes]] = []
        self._start_s = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None:
        self._ws = await http.ws_connect(f"{url.rstrip('/')}/api/voice/conversation/new")
        await self._ws.send_json({"type": "start", "audio": {"encoding": "opus", "sample_rate": 48_000}})
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ws.close()

    @property
    def said(self) -> list[SpokenSpan]:
        return self._script.spans(self._start_s)

    def heard(self) -> list[HeardPacket]:
        return list(decoded(self._packets))

    async def _listen(self) -> None:
        async for message in self._ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                _keep(self.metrics, message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._packets.append((time.perf_counter(), len(self._packets) * FRAME, message.data))

    async def _speak(self) -> None:
        self._start_s = time.perf_counter()
        for number, packet in enumerate(self._script.packets):
            await asyncio.sleep(max(0.0, self._start_s + number * FRAME_S - time.perf_counter()))
            await self._ws.send_bytes(packet)
        self.finished.set()


async def connect(pc: RTCPeerConnection, http: aiohttp.ClientSession, url: str) -> None:
    """Offer what `pc` has, and wait until it is connected. Raises SystemExit when the server refuses the call."""
    connected = asyncio.Event()
    pc.on("connectionstatechange", lambda: connected.set() if pc.connectionState == "connected" else None)
    await pc.setLocalDescription(await pc.createOffer())
    offer = {"sdp": pc.localDescription.sdp, "type": pc.localDescription.type}
    async with http.post(f"{url.rstrip('/')}/api/offer", json=offer) as response:
        if response.status >= 400:
            raise SystemExit(f"the server refuses the call: {response.status} {await response.text()}")
        answer = await response.json()
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await connected.wait()


def _keep(metrics: list[dict[str, Any]], text: str) -> None:
    """Keep the message if it is one about the server's stages."""
    message = json.loads(text)
    if message.get("type") == "metrics":
        metrics.append(message)
