"""The two ways that a benchmark calls by: WebRTC and the WebSocket. Each speaks a script and keeps what it hears."""

import asyncio
import json
import time
from typing import Any, Protocol

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.microphone import FRAME, FRAME_S, Microphone, Script
from bench.recorder import Recorder, judged
from bench.tape import Heard, Said


class Line(Protocol):
    """One call."""

    metrics: list[dict[str, Any]]
    """The server's own messages about its stages, when it sends any."""
    finished: asyncio.Event
    """Set when the script has been spoken."""

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None: ...
    async def close(self) -> None: ...

    @property
    def said(self) -> list[Said]: ...

    def heard(self) -> list[Heard]:
        """To be asked when the call is over."""


class RtcLine:
    """WebRTC with aiortc at this end."""

    def __init__(self, script: Script) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._microphone = Microphone(script)
        self.finished = self._microphone.finished
        self.metrics: list[dict[str, Any]] = []
        self._pc.createDataChannel("events").on("message", lambda text: _keep(self.metrics, text))
        self._pc.addTrack(self._microphone)
        self._recorder = Recorder(self._pc)

    async def connect(self, http: aiohttp.ClientSession, url: str) -> None:
        pc, connected = self._pc, asyncio.Event()
        pc.on("connectionstatechange", lambda: pc.connectionState == "connected" and connected.set())
        await pc.setLocalDescription(await pc.createOffer())
        offer = {"sdp": pc.localDescription.sdp, "type": pc.localDescription.type}
        async with http.post(f"{url.rstrip('/')}/api/offer", json=offer) as response:
            if response.status >= 400:
                raise SystemExit(f"the server refuses the call: {response.status} {await response.text()}")
            answer = await response.json()
        await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await connected.wait()

    async def close(self) -> None:
        await self._pc.close()

    @property
    def said(self) -> list[Said]:
        return self._microphone.said

    def heard(self) -> list[Heard]:
        return self._recorder.heard()


class SocketLine:
    """The WebSocket, with the script's own Opus packets in its binary frames."""

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
    def said(self) -> list[Said]:
        return [Said(self._left_s(first) - FRAME_S, self._left_s(after - 1)) for first, after in self._script.spoken]

    def heard(self) -> list[Heard]:
        return list(judged(self._packets))

    def _left_s(self, packet: int) -> float:
        return self._start_s + packet * FRAME_S

    async def _listen(self) -> None:
        async for message in self._ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                _keep(self.metrics, message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._packets.append((time.perf_counter(), len(self._packets) * FRAME, message.data))

    async def _speak(self) -> None:
        self._start_s = time.perf_counter()
        for number, packet in enumerate(self._script.packets):
            await asyncio.sleep(max(0.0, self._left_s(number) - time.perf_counter()))
            await self._ws.send_bytes(packet)
        self.finished.set()


def _keep(metrics: list[dict[str, Any]], text: str) -> None:
    message = json.loads(text)
    if message.get("type") == "metrics":
        metrics.append(message)
