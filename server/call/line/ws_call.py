"""WsCall: a call over one WebSocket, which carries the leg of a session."""

import asyncio
import logging
from typing import Protocol

from server.call.agent_messages import Clear, Commit
from server.call.line.leg import Leg
from server.call.line.outbox import Outbox
from server.call.messages import Audio, AudioFormat, Error, parse_client
from server.call.session import Session
from server.errors import PeerError
from server.media.counters import MediaCounters
from server.media.feed import Feed
from server.media.frame import FRAME_MS
from server.media.pacer import Pacer
from server.media.stream import StreamDecoder, StreamEncoder

LEAD_FRAMES = 100 // FRAME_MS
"""How much sound is sent ahead of the caller's ear. The client's buffer needs it against jitter; an interruption must
throw it away."""
PING_S = 1.0
"""How often the client is asked for a sign of life."""
SURELY_THERE_MS = 1_500
"""While the client's last sign of life is no older than this, nothing is lost: there is a ping every second."""
FLUSH_S = 1.0
"""How long a client has at the end to read the last messages. After that they are dropped."""

log = logging.getLogger(__name__)


class Socket(Protocol):
    """A WebSocket."""

    @property
    def flooded(self) -> bool:
        """The client has sent so much that nothing more is read from it."""

    @property
    def hung_up(self) -> bool:
        """The client has closed the WebSocket for good, because the caller has hung up."""

    async def receive(self) -> str | bytes | None:
        """The next message, None at the end. An empty message is only a sign of life, such as a pong.

        Every message counts towards a limit, whatever it is. Beyond the limit this waits, so that other calls get
        their turn.
        """

    async def send(self, item: str | bytes) -> None:
        """Waits while the client does not read. Raises ConnectionError when the client is gone."""

    async def ping(self) -> None:
        """Ask the client for a sign of life. Raises ConnectionError when the client is gone."""

    async def close(self, reason: str) -> None:
        """`reason` is the code of the error that ended the call, "reconnect", "lost" for a conversation that waits for
        another connection, or "" for a call that is over."""


class WsCall:
    """One socket of a call. Sound goes in and out at the pacer's ticks. Reading and writing wait for the client."""

    def __init__(
        self, session: Session, audio: AudioFormat, socket: Socket, vanished_s: float, patient: bool = False
    ) -> None:
        """A `patient` call lets its client send faster than real time: the client has to wait."""
        self._session = session
        self._socket = socket
        self._vanished_ms = vanished_s * 1000
        self.reformat(audio, audio)
        self.counters = MediaCounters()
        self._feed = Feed(patient)
        self._feed_taken = asyncio.Event()
        """Set at every tick, when sound has been taken from the feed and there may be room again."""
        self._outbox = Outbox()
        self._ahead_frames = 0
        """How much sound was sent that the caller does not hear yet."""
        self._announced: int | None = None
        """The number of the reply to which the sound that is sent belongs, as the client was told."""
        self._quiet_ms = 0
        """Time since the client's last sign of life."""
        self._told_of_bad_sound = False
        self.heard_ms = 0
        """How much of the client's sound the session has heard."""

    def reformat(self, heard: AudioFormat, spoken: AudioFormat) -> None:
        """The caller's sound, and the agent's, have these formats from now on."""
        self._decoder = StreamDecoder(heard.encoding, heard.sample_rate)
        self._encoder = StreamEncoder(spoken.encoding, spoken.sample_rate)

    async def run(self, leg: Leg, pacer: Pacer, first: str | bytes | None) -> None:
        """Carry `leg` until it is over. `first` is a message that was read from the socket before."""
        self._leg = leg
        leg.wire = self
        leg.ready()  # before anything is read, because the session drops what comes before it runs
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

    # What the leg calls: this is its Wire

    line = None
    """TCP tells nothing of losses."""

    @property
    def unheard_ms(self) -> float:
        """The sound that was sent ahead, or all that was sent since the client's last sign of life."""
        ahead_ms = self._ahead_frames * FRAME_MS
        return max(ahead_ms, self._quiet_ms) if self._quiet_ms > SURELY_THERE_MS else ahead_ms

    def send_text(self, text: str) -> None:
        self._outbox.put(text)

    def hush(self) -> None:
        self._outbox.drop_sound()
        self._ahead_frames = 0

    def hurry(self) -> None:
        asyncio.get_running_loop().call_soon(self._begin_reply)  # after the step in which the reply became ready

    def _begin_reply(self) -> None:
        if not self._leg.over.is_set():
            self._fill_lead()

    # Every 20 ms

    def _tick(self, number: int) -> None:
        self._quiet_ms += FRAME_MS
        for frame in self._feed.take():
            self.heard_ms += FRAME_MS
            self._leg.hear(frame)
        self._feed_taken.set()
        self._send_frame()
        if self._feed.flooded or self._socket.flooded:
            self._cut_off("too_fast", "The client has sent too much for too long.")
        elif self._outbox.overflowing:
            self._cut_off("too_slow", "The client does not read what it is sent.")
        elif self._quiet_ms > self._vanished_ms:
            log.info("x client has vanished")
            self._leg.lost("nothing has come from the client for too long")

    def _send_frame(self) -> None:
        """The caller has heard one frame: send the next one."""
        self._ahead_frames = max(0, self._ahead_frames - 1)
        if (pcm := self._leg.next_frame()) is not None:
            self._send(pcm)
            self._fill_lead()

    def _fill_lead(self) -> None:
        """Send frames ahead, until the client's buffer holds enough."""
        while self._ahead_frames < LEAD_FRAMES and (pcm := self._leg.frame_ahead()) is not None:
            self._send(pcm)

    def _send(self, pcm: bytes) -> None:
        self._announce(self._session.speaking)
        sound = self._encoder.encode(pcm)
        self._outbox.put(sound)
        self.counters.sent += 1
        self.counters.sent_bytes += len(sound)
        self._ahead_frames += 1

    def _announce(self, reply: int | None) -> None:
        """Tell the client to which reply the sound that follows belongs, if that changes."""
        if reply is not None and reply != self._announced:
            self._announced = reply
            self._outbox.put(Audio(reply=reply).to_json())

    def _cut_off(self, code: str, sentence: str) -> None:
        """End the connection of a client that breaks a limit."""
        log.info("x client is cut off: %s", code)
        self._leg.send(Error(code=code, message=sentence, final=True))
        self._leg.lost()

    # Reading and writing

    async def _read(self, first: str | bytes | None) -> None:
        """Read what the client sends, no faster than the session can take it."""
        try:
            if first is not None:
                await self._handle(first)
            while (item := await self._socket.receive()) is not None:
                self._quiet_ms = 0
                if not item:
                    self._session.token.confirm()
                else:
                    await self._handle(item)
        finally:
            if self._socket.hung_up:
                self._leg.hung_up()
            self._leg.lost()

    async def _handle(self, item: str | bytes) -> None:
        """Hand a message or a piece of sound on. Waits while the feed is full."""
        if isinstance(item, str):
            while not self._feed.empty and _comes_behind_sound(item):
                self._feed_taken.clear()
                await self._feed_taken.wait()
            self._leg.receive_text(item)
            return
        self.counters.received += 1
        self.counters.received_bytes += len(item)
        while not self._feed.room:
            self._feed_taken.clear()
            await self._feed_taken.wait()
            self._quiet_ms = 0  # the client has not vanished: its sound waits here
        try:
            self._feed.put(self._decoder.decode(item))
        except PeerError as error:
            if not self._told_of_bad_sound:
                self._told_of_bad_sound = True
                self._leg.send(Error(code=error.code, message=error.sentence))

    async def _write(self) -> None:
        """Send what is in the outbox, as fast as the client reads."""
        try:
            while True:
                await self._socket.send(await self._outbox.take())
        except ConnectionError:
            self._leg.lost()

    async def _ping(self) -> None:
        """Ask the client for a sign of life from time to time."""
        try:
            while True:
                await asyncio.sleep(PING_S)
                await self._socket.ping()
        except ConnectionError:
            self._leg.lost()

    async def _flush(self) -> None:
        """Send the last messages, then close the socket."""
        try:
            async with asyncio.timeout(FLUSH_S):
                while not self._outbox.empty:
                    await self._socket.send(await self._outbox.take())
                await self._socket.close(self._leg.reason)
        except (ConnectionError, TimeoutError):
            log.info("= client did not read the last messages")


def _comes_behind_sound(text: str) -> bool:
    """Whether a message means the sound before it: `commit` and `clear`."""
    try:
        return isinstance(parse_client(text), Commit | Clear)
    except PeerError:
        return False


def _log_faults(results: list[object]) -> None:
    """Log the exceptions among the results of ended tasks. A lost connection is not a fault."""
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            log.error("x fault on a socket", exc_info=result)
