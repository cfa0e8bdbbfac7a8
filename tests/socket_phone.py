"""A caller over the WebSocket: the counterpart of tests/phone.py, which calls over WebRTC."""

import asyncio
import json
from typing import Any

import aiohttp
import numpy as np

from tests.phone import LOUD

RATE = 48_000
PIECE = 2 * RATE // 50


class SocketPhone:
    """One call. `told` has the server's messages; `loud` says for each 20 ms of sound whether it has a voice."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        """`url` is the server's address, such as http://host:port."""
        self._url, self._http = url, http
        self.told: list[dict[str, Any]] = []
        self.loud: list[bool] = []
        self.received_bytes = 0
        self.closed = asyncio.Event()
        self.close_code: int | None = None
        self._news = asyncio.Event()
        self._pcm = b""
        self._tasks: list[asyncio.Task[None]] = []

    async def dial(self, session_id: str = "new", **start: Any) -> None:
        """Connect to speak 48 kHz PCM, with the choices in `start`."""
        self.ws = await self._http.ws_connect(f"{self._url}/api/voice/conversation/{session_id}")
        audio = {"encoding": "pcm16", "sample_rate": RATE}
        await self.ws.send_json({"type": "start", "audio": audio, **start})
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._speak())]

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a message that has all of `wanted`; earlier ones count too."""
        while True:
            for message in self.told:
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message
            self._news.clear()
            await self._news.wait()

    def send(self, **message: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self.ws.send_str(json.dumps(message))))

    def say(self, pcm: bytes) -> None:
        """Speak this 48 kHz mono PCM, after what is still to be said."""
        self._pcm += pcm

    async def drop(self) -> None:
        """Break the connection without a message."""
        transport = self.ws._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
        await self.closed.wait()
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ws.close()

    async def _listen(self) -> None:
        try:
            async for message in self.ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.told.append(json.loads(message.data))
                    self._news.set()
                elif message.type is aiohttp.WSMsgType.BINARY:
                    self.received_bytes += len(message.data)
                    samples = np.frombuffer(message.data, np.int16).astype(np.float32)
                    self.loud.append(bool(np.sqrt(np.mean(samples**2)) > LOUD))
        finally:
            self.close_code = self.ws.close_code
            self.closed.set()

    async def _speak(self) -> None:
        """The microphone: send silence, and the sound that `say` is given."""
        loop = asyncio.get_running_loop()
        start_s, sent = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, start_s + sent * 0.02 - loop.time()))
            piece, self._pcm = self._pcm[:PIECE].ljust(PIECE, b"\0"), self._pcm[PIECE:]
            try:
                await self.ws.send_bytes(piece)
            except ConnectionError:
                return
            sent += 1
