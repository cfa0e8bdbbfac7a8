"""The data channel of one call: its messages, and the limits of what aiortc keeps for it.

aiortc keeps what the peer sends until it is whole, without a limit, and searches it again at every chunk. So each SCTP
packet is weighed (`sctp.py`) before aiortc gets it, and what aiortc keeps already is looked at. A peer that goes beyond
a limit that we have told it, or that no client needs, is told why and loses its call: its packets are stopped only when
the socket is closed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import WEBRTC_DCEP, AbortChunk, RTCSctpCapabilities

from server.media.counters import MediaCounters
from server.media.sctp import Load, load_of
from server.pace import Pace

MAX_UNSENT = 64
"""How many messages are kept while no data channel is open. With more, the oldest are dropped."""
MAX_BUFFERED_BYTES = 256 * 1024
"""How many bytes may wait in a data channel whose client reads nothing. With more, messages are dropped, so that such a
client does not fill the server's memory."""
MAX_MESSAGE_BYTES = 32 * 1024
"""The longest message that we take, as our answer says. The longest typed text has 24,000 bytes at most, as JSON."""
WINDOW_BYTES = 64 * 1024
"""How many bytes of unfinished messages a client may have here. We tell it so (its receiver window, RFC 9260)."""
WINDOW_SLACK_BYTES = 4 * 1024
"""How far a client may go beyond the window: it may send a packet to see whether there is room again."""
MAX_KEPT_CHUNKS = 128
"""How many pieces of unfinished messages a client may have here. The longest message comes in about 30."""
MAX_STREAMS = 16
"""How many channels a client may open. A call uses one."""
MAX_WEIGHT_PER_S = 200
"""How much work the SCTP packets of a call may make per second: about 200 chunks (see `sctp.py`). A call needs 20."""
MAX_WEIGHT_AT_ONCE = 64
"""How much work they may make at once. It holds the media loop up for 5 ms at most."""
_PROTOCOL_VIOLATION = 13  # the error cause of RFC 9260, section 3.3.10.13; its text is for people

log = logging.getLogger(__name__)


class ChannelListener(Protocol):
    """Its methods are called on the loop, and must not wait."""

    def receive_text(self, text: str | bytes) -> None: ...  # a message has come
    def abused(self, reason: str) -> None: ...  # the client has broken a limit: end the call


class Channel:
    """Carries messages over a data channel of the client: the first one that is open, or the one that it used last.

    A client may open several, and close one and open another. A channel that the client takes as agreed (`negotiated`)
    is found by its first message, because nothing else tells of it.
    """

    def __init__(self, listener: ChannelListener, counters: MediaCounters) -> None:
        self._listener = listener
        self._counters = counters
        self._channel: RTCDataChannel | None = None
        self._unsent: list[str] = []
        self._work = Pace(MAX_WEIGHT_PER_S, burst=MAX_WEIGHT_AT_ONCE)
        self._now = asyncio.get_running_loop().time
        self._sctp: Any = None
        self._over = False

    def guard(self, sctp: Any) -> None:
        """Judge what comes before aiortc gets it. Call it before the answer is made.

        `sctp` is aiortc's RTCSctpTransport.
        """
        self._sctp = sctp
        sctp._advertised_rwnd = WINDOW_BYTES
        sctp.getCapabilities = lambda: RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES)
        sctp._handle_data = self._judging(sctp._handle_data)
        sctp._data_channel_receive = self._finding(sctp._data_channel_receive)
        sctp._abort = _unfailing(sctp._abort)
        sctp.on("datachannel", self.open)

    def open(self, channel: RTCDataChannel) -> None:
        """The client has opened a channel."""
        channel.on("message", lambda text: self._receive(channel, text))
        channel.on("close", lambda: self._closed(channel))
        if self._channel is None:
            self._use(channel)

    def _use(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("open", self._flush)
        self._flush()  # the channel may be open already; then no "open" event follows

    def _receive(self, channel: RTCDataChannel, text: str | bytes) -> None:
        if channel is not self._channel:
            self._use(channel)
        self._listener.receive_text(text)

    def _closed(self, channel: RTCDataChannel) -> None:
        if channel is self._channel:
            self._channel = None

    def send(self, text: str) -> None:
        """Send a message. It is kept while no channel is open.

        It is dropped if the client does not read, or if it takes no message of this length.
        """
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self._unsent = [*self._unsent[-MAX_UNSENT + 1 :], text]
        elif channel.bufferedAmount < MAX_BUFFERED_BYTES:
            try:
                channel.send(text)
            except ValueError as exc:  # the client's offer has a smaller limit
                log.info("x cannot send a message: %s", exc)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for text in unsent:
            self.send(text)

    def _judging(self, handle: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
        """Wrap aiortc's function that handles an SCTP packet."""

        async def handle_data(packet: bytes) -> None:
            if self._over:
                self._counters.abusive += 1
                return
            try:
                load = load_of(packet)
            except ValueError:
                self._counters.malformed += 1
                return
            if not self._work.admits(self._now(), load.weight):
                self._counters.over_rate += 1
                return
            if reason := self._excess(load):
                await self._refuse(reason)
            else:
                await handle(packet)

        return handle_data

    def _finding(self, receive: Callable[[int, int, bytes], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Wrap aiortc's function that takes a message. It drops one for whose stream nobody has opened a channel."""

        async def receive_and_find(stream_id: int, protocol: int, data: bytes) -> None:
            if protocol != WEBRTC_DCEP and stream_id not in self._sctp._data_channels:
                agreed = RTCDataChannelParameters(negotiated=True, id=stream_id)
                with suppress(ValueError):  # the last id is not for channels
                    self.open(RTCDataChannel(self._sctp, agreed))
            await receive(stream_id, protocol, data)

        return receive_and_find

    def _excess(self, load: Load) -> str:
        """Which limit the client breaks with the next packet. Empty if it breaks none."""
        sctp = self._sctp
        pieces = sum(len(stream.reassembly) for stream in sctp._inbound_streams.values())
        kept = max(pieces, len(sctp._sack_misordered), len(sctp._sack_duplicates))
        if load.chunks and kept + load.chunks > MAX_KEPT_CHUNKS:
            return f"more than {MAX_KEPT_CHUNKS} pieces of unfinished messages"
        if load.bytes > sctp._advertised_rwnd + WINDOW_SLACK_BYTES:
            return f"more than {WINDOW_BYTES} bytes of unfinished messages"
        if len(sctp._inbound_streams) > MAX_STREAMS or len(sctp._data_channels) > MAX_STREAMS:
            return f"more than {MAX_STREAMS} channels"
        return ""

    async def _refuse(self, reason: str) -> None:
        """End the association, tell the client why, and let the call end."""
        self._over = True
        self._counters.abusive += 1
        abort = AbortChunk()
        abort.params.append((_PROTOCOL_VIOLATION, reason.encode()))
        with suppress(ConnectionError):
            await self._sctp._send_chunk(abort)
        self._listener.abused(reason)


def _unfailing(abort: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Wrap aiortc's function that ends an association. If it raises, aiortc leaves the sockets of the call open."""

    async def abort_quietly() -> None:
        with suppress(Exception):
            await abort()

    return abort_quietly
