"""A telephone system with one caller: what all of them do. It plays what it is sent, in real time."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import numpy as np

from server.media.stream import Encoding, StreamDecoder, StreamEncoder
from tests.phone import LOUD

NUMBER, DIALLED, CALL = "+4930111222", "+4930999000", "call-4711"
FRAME_S = 0.02


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that no event tells."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(FRAME_S)


class System:
    """A telephone system with one call. What it sends and understands is in its subclasses."""

    path = ""
    encoding: Encoding = "pcm16"
    rate = 8_000
    flushes = True
    url = again = ""
    """Of Twilio: the address of the stream, and the one that is asked what follows on it."""
    marks = True
    hangs_up = True
    """It understands an order to hang up; otherwise the end of the connection is the end of the call."""

    def __init__(self) -> None:
        self.loud = 0
        """How many frames of 20 ms with a voice the caller has heard."""
        self.flushed = 0
        self.told_to_hang_up = False
        self.closed = asyncio.Event()
        self.longest = 0
        """The most sound that has waited to be played, in frames."""
        self.wrong: list[str] = []
        """What it was sent and does not understand."""
        self._decoder = StreamDecoder(self.encoding, self.rate)
        self._encoder = StreamEncoder(self.encoding, self.rate)
        self._queue: deque[bytes | str] = deque()
        self._speech = b""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def playing(self) -> bool:
        """Whether sound waits to be played."""
        return bool(self._queue)

    @property
    def frame_bytes(self) -> int:
        return self.rate // 50 * (2 if self.encoding == "pcm16" else 1)

    # What the subclasses know

    def opening(self) -> list[Any]:
        return []

    def sound(self, payload: bytes) -> Any:
        return payload

    def key(self, digit: str) -> Any:
        raise NotImplementedError

    def played(self, mark: str) -> Any:
        raise NotImplementedError

    def goodbye(self) -> list[Any]:
        return []

    def understand(self, item: str | bytes) -> None:
        """Use what was sent: `play`, `mark`, `flush`, or `told_to_hang_up`."""
        raise NotImplementedError

    # What they all do

    def play(self, payload: bytes) -> None:
        if len(payload) % self.frame_bytes:
            self.wrong.append(f"{len(payload)} bytes of sound")
        self._queue.extend(payload[at : at + self.frame_bytes] for at in range(0, len(payload), self.frame_bytes))
        self.longest = max(self.longest, sum(isinstance(each, bytes) for each in self._queue))

    def mark(self, name: str) -> None:
        self._queue.append(name)

    def flush(self) -> None:
        self.flushed += 1
        self._queue.clear()

    def say(self, pcm_24k: bytes) -> None:
        """The caller speaks."""
        self._speech += self._encoder.encode(pcm_24k)

    async def dial(self, http: aiohttp.ClientSession, home: str, **query: str) -> None:
        self.ws = await http.ws_connect(f"{home}{self.path}", params=query, max_msg_size=0)
        await self.begin()

    async def begin(self) -> None:
        for item in self.opening():
            await self.send(item)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._live())]

    async def send(self, item: Any) -> None:
        if isinstance(item, bytes):
            await self.ws.send_bytes(item)
        else:
            await self.ws.send_str(item if isinstance(item, str) else json.dumps(item))

    async def press(self, digit: str) -> None:
        await self.send(self.key(digit))

    async def hang_up(self) -> None:
        """The caller hangs up."""
        for item in self.goodbye() if not self.closed.is_set() else ():
            await self.send(item)
        await self._end()
        await self.ws.close()

    async def drop(self) -> None:
        """The connection breaks."""
        self.ws._response.connection.transport.abort()  # type: ignore[union-attr]
        await self.closed.wait()
        await self._end()
        await self.ws.close()

    async def hears(self, frames: int) -> None:
        """Wait until the caller has heard so much voice more."""
        enough = self.loud + frames
        await until(lambda: self.loud >= enough)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            async for message in self.ws:
                self.understand(message.data)
        finally:
            self.closed.set()

    async def _live(self) -> None:
        """20 ms of the call after the other: the caller's sound goes out, and what was sent is played."""
        loop = asyncio.get_running_loop()
        start_s, frames, size = loop.time(), 0, self.frame_bytes
        quiet = StreamEncoder(self.encoding, self.rate)
        quiet.encode(bytes(960))
        while not self.closed.is_set():
            frames += 1
            await asyncio.sleep(max(0.0, start_s + frames * FRAME_S - loop.time()))
            piece, self._speech = self._speech[:size], self._speech[size:]
            try:
                await self.send(self.sound(piece if len(piece) == size else quiet.encode(bytes(960))))
                await self._play_frame()
            except ConnectionError:
                return

    async def _play_frame(self) -> None:
        while self._queue and isinstance(name := self._queue[0], str):
            self._queue.popleft()
            await self.send(self.played(name))
        if self._queue and isinstance(payload := self._queue.popleft(), bytes):
            for frame in self._decoder.decode(payload):
                samples = np.frombuffer(frame.pcm, np.int16).astype(np.float32)
                self.loud += bool(np.sqrt(np.mean(samples**2)) > LOUD)
