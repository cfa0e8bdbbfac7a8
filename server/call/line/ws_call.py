"""A call over WebSocket: one socket, read and written, and the leg that joins it to its session."""

import asyncio
import logging
from typing import Protocol

from server.call.line.leg import Leg
from server.call.line.outbox import Outbox
from server.call.messages import Audio, AudioFormat, Error
from server.call.session import Session
from server.errors import PeerError
from server.media.feed import Feed
from server.media.frame import FRAME_MS
from server.media.pacer import Pacer
from server.media.stream import StreamDecoder, StreamEncoder
from server.token_bucket import TokenBucket

LEAD_FRAMES = 100 // FRAME_MS
"""Sent ahead of the ear: what a client's buffer needs against jitter, and what an interruption must throw away."""
PING_S = 1.0
SURELY_THERE_MS = 1_500
"""With a ping every second a silence shorter than this is no loss."""
FLUSH_S = 1.0
"""For the last words to a client; who does not read does not get them."""
MESSAGES_A_SECOND = 200
"""Sound in pieces of 10 ms and some JSON; more is read later."""

log = logging.getLogger(__name__)


class Socket(Protocol):
    """A WebSocket."""

    async def receive(self) -> str | bytes | None:
        """The next message, None at the end; an empty one is a sign of life, such as a pong."""

    async def send(self, item: str | bytes) -> None:
        """Waits while the client does not read; raises ConnectionError when it is gone."""

    async def ping(self) -> None: ...
    async def close(self, reason: str) -> None:
        """`reason` is the code of the error that ended it, "reconnect", or "" for a call that is over."""


class WsCall:
    """One socket. Sound is heard and given by the pacer's ticks; reading and writing wait for the client."""

    def __init__(self, session: Session, audio: AudioFormat, socket: Socket, vanished_s: float) -> None:
        self._session = session
        self._socket = socket
        self._vanished_ms = vanished_s * 1000
        self._decoder = StreamDecoder(audio.encoding, audio.sample_rate)
        self._encoder = StreamEncoder(audio.encoding, audio.sample_rate)
        self._feed = Feed()
        self._room = asyncio.Event()
        self._outbox = Outbox()
        self._message_rate = TokenBucket(MESSAGES_A_SECOND, burst=MESSAGES_A_SECOND)
        self._ahead = 0
        """Frames that were sent ahead of the ear."""
        self._speaking: int | None = None
        self._quiet_ms = 0
        """Since the last sign of the client."""
        self._garbage = 0

    async def run(self, leg: Leg, pacer: Pacer, first: str | bytes | None) -> None:
        self._leg = leg
        leg.wire = self
        leg.ready()  # before anything is read: the session takes nothing until it runs
        tasks = [
            asyncio.create_task(self._read(first), name=f"read-{self._session.id}"),
            asyncio.create_task(self._write(), name=f"write-{self._session.id}"),
            asyncio.create_task(self._ping(), name=f"ping-{self._session.id}"),
        ]
        pacer.join(self._tick)
        try:
            await leg.over.wait()
        finally:
            pacer.leave(self._tick)
            leg.lost()
            for task in tasks:
                task.cancel()
            _log_faults(await asyncio.gather(*tasks, return_exceptions=True))
            await self._flush()

    # The leg's wire

    @property
    def unheard_ms(self) -> float:
        """What is ahead of the ear, or all since the client's last sign."""
        ahead_ms = self._ahead * FRAME_MS
        return max(ahead_ms, self._quiet_ms) if self._quiet_ms > SURELY_THERE_MS else ahead_ms

    def send_text(self, text: str) -> None:
        self._outbox.put(text)

    def hush(self) -> None:
        self._outbox.drop_sound()
        self._ahead = 0

    def hurry(self) -> None:
        asyncio.get_running_loop().call_soon(self._begin)  # after the step in which it became ready

    def _begin(self) -> None:
        if not self._leg.over.is_set():
            self._send_ahead()

    # Every 20 ms

    def _tick(self, number: int) -> None:
        self._quiet_ms += FRAME_MS
        for frame in self._feed.take():
            self._leg.hear(frame)
        self._room.set()
        self._speak()
        if self._feed.flooded:
            self._cut_off("too_fast", "The sound came faster than real time for too long.")
        elif self._outbox.overflowing:
            self._cut_off("too_slow", "The client does not read what it is sent.")
        elif self._quiet_ms > self._vanished_ms:
            log.info("x client has vanished")
            self._leg.lost()

    def _speak(self) -> None:
        """Keep the client's buffer filled, a little ahead of the ear."""
        self._ahead = max(0, self._ahead - 1)
        if (pcm := self._leg.next_frame()) is not None:
            self._send(pcm)
            self._send_ahead()

    def _send_ahead(self) -> None:
        while self._ahead < LEAD_FRAMES and (pcm := self._leg.frame_ahead()) is not None:
            self._send(pcm)

    def _send(self, pcm: bytes) -> None:
        self._announce(self._session.speaking)
        self._outbox.put(self._encoder.encode(pcm))
        self._ahead += 1

    def _announce(self, reply: int | None) -> None:
        """Tell of which answer the sound that follows is."""
        if reply is not None and reply != self._speaking:
            self._speaking = reply
            self._outbox.put(Audio(reply=reply).to_json())

    def _cut_off(self, code: str, sentence: str) -> None:
        log.info("x client is cut off: %s", code)
        self._leg.send(Error(code=code, message=sentence, final=True))
        self._leg.lost()

    # Reading and writing

    async def _read(self, first: str | bytes | None) -> None:
        """Take what the client sends, no faster than it can be heard."""
        try:
            if first is not None:
                await self._take(first)
            while (item := await self._socket.receive()) is not None:
                self._quiet_ms = 0
                if not item:
                    self._session.token.confirm()
                else:
                    await self._take(item)
        finally:
            self._leg.lost()

    async def _take(self, item: str | bytes) -> None:
        if (wait_s := self._message_rate.reserve(asyncio.get_running_loop().time())) > 0:
            await asyncio.sleep(wait_s)
        if isinstance(item, str):
            self._leg.receive_text(item)
            return
        while not self._feed.room:
            self._room.clear()
            await self._room.wait()
            self._quiet_ms = 0  # whoever waits here has not vanished
        try:
            self._feed.put(self._decoder.decode(item))
        except PeerError as error:
            self._garbage += 1
            if self._garbage == 1:
                self._leg.send(Error(code=error.code, message=error.sentence))

    async def _write(self) -> None:
        """Send what there is as fast as the client reads."""
        try:
            while True:
                await self._socket.send(await self._outbox.take())
        except ConnectionError:
            self._leg.lost()

    async def _ping(self) -> None:
        """Ask for a sign of life."""
        try:
            while True:
                await asyncio.sleep(PING_S)
                await self._socket.ping()
        except ConnectionError:
            self._leg.lost()

    async def _flush(self) -> None:
        """Let the last words out, then close."""
        try:
            async with asyncio.timeout(FLUSH_S):
                while not self._outbox.empty:
                    await self._socket.send(await self._outbox.take())
                await self._socket.close(self._leg.reason)
        except (ConnectionError, TimeoutError):
            log.info("= client did not take the last words")


def _log_faults(results: list[object]) -> None:
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            log.error("x fault on a socket", exc_info=result)
