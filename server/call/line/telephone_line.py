"""TelephoneLine: a connection of a telephone system, in the place of a client's WebSocket.

A call over it is paced as every call over a socket is (`ws_call.py`). Here the messages of our own protocol become
orders to the telephone system, and what it tells becomes such messages. Captions and figures are not for a telephone,
and end here.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from server.call.line.telephone import (
    Arrival,
    Begun,
    Event,
    Flush,
    HangUp,
    HungUp,
    KeepAlive,
    Key,
    Late,
    Mark,
    Marked,
    Order,
    Rest,
    Say,
    Sound,
    silence,
)
from server.call.line.ws_call import LEAD_FRAMES, Socket
from server.call.messages import Dtmf, Played, Transferred
from server.errors import NotAcceptable, PeerError
from server.media.dtmf import DIGITS
from server.media.frame import FRAME_MS

MARK_FRAMES = 200 // FRAME_MS
"""How often the telephone system is asked to tell how far it has played."""
BEGIN_S = 5.0
"""How long a telephone system may take to tell that the call is there. They do so in the first message or two."""
PLAYED_S = (LEAD_FRAMES + 10) * FRAME_MS / 1000
"""How long after the last sound the line is hung up: the lead, and 200 ms for the way to the caller's ear."""
GOES_ON = ("reconnect", "superseded", "too_fast", "too_slow")
"""The reasons for which a connection is closed while the call goes on, or waits."""

log = logging.getLogger(__name__)


class TelephoneLine:
    """One connection of a telephone system. `WsCall` uses it as a socket."""

    def __init__(self, socket: Socket, arrival: Arrival) -> None:
        self.resume = ("", "")
        """The id of the conversation, and the token with which another connection goes on with it."""
        self.hung_up = False
        self.over: Callable[[], bool] = lambda: True
        """Whether the call is over when the connection is closed; otherwise it waits for another connection."""
        self._socket = socket
        self._arrival = arrival
        self._begun: Begun | None = None
        self._events = deque[Event]()
        """What was read and not told yet."""
        self._frame = b""
        """20 ms of silence, as long as each piece that is sent."""
        self._pcm = b""
        self._reply = 0
        self._frames = 0
        """How much of this reply was sent on this connection."""
        self._said_s = 0.0
        """When sound was sent last."""
        self._heard = self._said = False
        """Whether something was read, and whether sound was sent, since the last ping."""
        self._told_of_bad_message = False
        self._transferring = asyncio.Event()
        """Set while there is no transfer on its way."""
        self._transferring.set()
        self._outcome: str | None = None
        """What became of the transfer: why not, or "" if it is done. None: nothing to be told."""

    async def begin(self) -> Begun:
        """Wait until the telephone system has told that the call is there. Raises PeerError if it does not."""
        try:
            async with asyncio.timeout(BEGIN_S):
                while await self._more():
                    while self._events:
                        if isinstance(event := self._events.popleft(), Begun):
                            self._begun = event
                            self._frame = silence(event.audio)
                            return event
        except TimeoutError as exc:
            raise PeerError("The telephone system has not told of a call.") from exc
        raise PeerError("The call was over before it began.")

    # What the call uses: this is its Socket

    @property
    def flooded(self) -> bool:
        return self._socket.flooded

    async def receive(self) -> str | bytes | None:
        """The caller's sound, or a message of our own protocol. b"" is a sign of life. None when the line is gone."""
        if self._outcome is None and not self._events and not await self._more():
            self.hung_up = self._socket.hung_up
            await self._transferring.wait()
            if self._outcome is None:
                return None
        if self._outcome is not None:
            reason, self._outcome = self._outcome, None
            return Transferred(ok=not reason, reason=reason).to_json()
        return await self._told(self._events.popleft()) if self._events else b""

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            await self._say(item)
        else:
            await self._carry_out(json.loads(item))

    async def ping(self) -> None:
        """Ask for a sign of life, if there was none. Sound that comes is one, and not every system likes pings. Sound
        that is sent is none: a muted telephone may be silent through a long answer."""
        heard, said = self._heard, self._said
        self._heard = self._said = False
        if heard:
            return
        if not said:
            await self._order(KeepAlive())
        await self._socket.ping()

    async def close(self, reason: str) -> None:
        """Close the connection, and hang up if the call is over, when what was said last has been heard."""
        if not self.hung_up and reason not in GOES_ON and self.over():
            await asyncio.sleep(max(0.0, self._said_s + PLAYED_S - asyncio.get_running_loop().time()))
            await self._order(HangUp())
        await self._socket.close(reason)

    # What is read

    async def _more(self) -> bool:
        """Read the next message. False when the connection is gone."""
        if (item := await self._socket.receive()) is None:
            return False
        if item:
            self._heard = True
            try:
                self._events.extend(self._arrival.dialect.read(item))
            except PeerError as error:
                if isinstance(error, NotAcceptable) and self._begun is None:
                    raise
                if not self._told_of_bad_message:
                    self._told_of_bad_message = True
                    log.warning("x a telephone line (%s): %s", self._arrival.kind, error)
        return True

    async def _told(self, event: Event) -> str | bytes | None:
        """What the call is told of an event."""
        match event:
            case Sound(payload):
                return payload
            case Key(digit):
                key = digit.upper()
                return Dtmf(digit=key).to_json() if len(key) == 1 and key in DIGITS else b""
            case Marked(name):
                return self._played(name)
            case Late():
                await self._order(Flush())
            case HungUp():
                await self._transferring.wait()  # the line ends, too, when a person has taken it
                if self._outcome is not None:
                    self._events.append(event)
                    return b""
                self.hung_up = True
                return None
            case Begun():
                pass
        return b""

    def _played(self, name: str) -> str | bytes:
        reply, _, frames = name.partition("-")
        if reply.isdecimal() and frames.isdecimal() and int(reply) == self._reply and int(frames) <= self._frames:
            return Played(reply=int(reply), ms=float(int(frames) * FRAME_MS)).to_json()
        return b""  # of a reply that is over, or not from us

    # What is sent

    async def _order(self, order: Order) -> None:
        for item in self._arrival.dialect.write(order):
            await self._socket.send(item)

    async def _say(self, sound: bytes) -> None:
        """Send whole frames. The first sound is a few ms short, because the resampler lags: silence comes before it."""
        if not self._pcm and len(sound) < len(self._frame):
            sound = self._frame[len(sound) :] + sound
        self._pcm += sound
        size = len(self._frame)
        while len(self._pcm) >= size:
            self._frames += 1
            self._said_s, self._said = asyncio.get_running_loop().time(), True
            piece, self._pcm = self._pcm[:size], self._pcm[size:]
            await self._order(Say(piece))
            if self._frames % MARK_FRAMES == 0:
                await self._order(Mark(f"{self._reply}-{self._frames}"))

    async def _carry_out(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "session", "session_id": session_id, "resume": token}:
                self.resume = (session_id, token)
            case {"type": "audio", "reply": reply}:
                self._reply, self._frames = reply, 0
            case {"type": "interrupted"}:
                self._pcm = b""
                await self._order(Flush())
            case {"type": "response", "final": True}:
                await self._order(Rest())
            case {"type": "transfer", "to": to}:
                await self._transfer(to)

    async def _transfer(self, to: str) -> None:
        transfer, begun = self._arrival.transfer, self._begun
        if transfer is None or begun is None:
            self._outcome = "The telephone line cannot transfer calls."
            return
        self._transferring.clear()
        try:
            self._outcome = await transfer(begun.call_id, to)
        finally:
            self._transferring.set()
