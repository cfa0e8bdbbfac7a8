"""Somebody who listens to a live call by WHEP, made of aiortc. All on 127.0.0.1."""

import asyncio
from typing import Any

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.phone import LOUD

AGENT_HZ, CALLER_HZ = 400, 1_500
"""The tones of a scripted agent, and of a caller."""
SDP = {"Content-Type": "application/sdp"}


class Listener:
    """One who listens. `heard` tells for each frame whether the agent's and the caller's tone are in it, and `loud`
    whether there is any voice."""

    def __init__(self, home: str, call_id: str, http: aiohttp.ClientSession, token: dict[str, str]) -> None:
        """`home` is the server's address, and `token` the header with the token."""
        self._url, self._http, self._token = f"{home}/whep/{call_id}", http, token
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.on("track", self._on_track)
        self.heard: list[tuple[bool, bool]] = []
        self.loud: list[bool] = []
        self.ended = asyncio.Event()
        self.session = self.answer = ""
        self._listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        self.pc.addTransceiver("audio", "recvonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        response = await self._http.post(self._url, data=self.pc.localDescription.sdp, headers=SDP | self._token)
        self.answer = await response.text()
        assert response.status == 201, self.answer
        self.session = f"{self._url}/{response.headers['Location'].rpartition('/')[2]}"
        await self.pc.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    async def until(self, agent: bool, caller: bool, frames: int = 10) -> None:
        """Wait until this was heard in so many frames on end, from now on."""
        start = len(self.heard)
        wanted = [(agent, caller)] * frames
        while not any(  # noqa: ASYNC110
            self.heard[i : i + frames] == wanted for i in range(start, len(self.heard))
        ):
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.pc.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    def _on_track(self, track: Any) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen(track))

    async def _listen(self, track: Any) -> None:
        try:
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(float)
                turns = np.arange(len(samples)) / frame.sample_rate
                parts = [abs(np.mean(samples * np.exp(-2j * np.pi * hz * turns))) for hz in (AGENT_HZ, CALLER_HZ)]
                self.loud.append(bool(np.sqrt(np.mean(samples**2)) > LOUD))
                self.heard.append((bool(parts[0] > 1_000), bool(parts[1] > 1_000)))
        except MediaStreamError:
            self.ended.set()
