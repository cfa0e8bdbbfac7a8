"""Telephone systems, each written from its documentation. They play what they are sent, in real time, to one caller."""

import asyncio
import base64
import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

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


class AsteriskSystem(System):
    """channels/chan_websocket.c, with f(json)."""

    path = "/telephony/asterisk"
    rate = 16_000
    plain = False

    async def dial(self, http: aiohttp.ClientSession, home: str, **query: str) -> None:
        await super().dial(http, home, number=NUMBER, dialled=DIALLED, call=CALL, **query)

    def opening(self) -> list[Any]:
        start = {"connection_id": "e226e283", "channel": "WebSocket/antiphon", "channel_id": "pbx1-1.9"}
        start |= {"format": "slin16", "optimal_frame_size": str(self.frame_bytes), "ptime": "20"}
        return [self._event("MEDIA_START", **start)]

    def _event(self, name: str, **fields: Any) -> Any:
        if self.plain:
            return " ".join([name, *(f"{key}:{value}" for key, value in fields.items())])
        return {"event": name, **fields}

    def key(self, digit: str) -> Any:
        return self._event("DTMF_END", digit=digit)

    def played(self, mark: str) -> Any:
        return self._event("MEDIA_MARK_PROCESSED", correlation_id=mark)

    def understand(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self.play(item)
            return
        if len(item.encode()) > 128:
            self.wrong.append(item)
        if self.plain:
            name, _, mark = item.partition(" ")
            command = {"command": name, "correlation_id": mark}
        else:
            command = json.loads(item)
        match command["command"]:
            case "MARK_MEDIA":
                self.mark(command["correlation_id"])
            case "FLUSH_MEDIA":
                self.flush()
            case "HANGUP":
                self.told_to_hang_up = True
            case other:
                self.wrong.append(other)


class PlainAsteriskSystem(AsteriskSystem):
    plain = True


class TwilioSystem(System):
    """https://www.twilio.com/docs/voice/media-streams/websocket-messages"""

    path = "/telephony/twilio"
    encoding: Encoding = "pcmu"
    hangs_up = False
    stream: Mapping[str, str] = {"streamSid": "MZ1"}
    parameters: Mapping[str, str] = {"from": NUMBER, "to": DIALLED}
    orders = ("media", "mark", "clear")

    def opening(self) -> list[Any]:
        start = {
            **self.stream, "accountSid": "AC1", "callSid": CALL, "tracks": ["inbound"],
            "customParameters": dict(self.parameters),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [connected, {"event": "start", "sequenceNumber": "1", "start": start, **self.stream}]

    def sound(self, payload: bytes) -> Any:
        media = {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": base64.b64encode(payload).decode()}
        return {"event": "media", "sequenceNumber": "3", "media": media, **self.stream}

    def key(self, digit: str) -> Any:
        return {"event": "dtmf", **self.stream, "dtmf": {"track": "inbound_track", "digit": digit}}

    def played(self, mark: str) -> Any:
        return {"event": "mark", **self.stream, "mark": {"name": mark}}

    def goodbye(self) -> list[Any]:
        return [{"event": "stop", **self.stream, "stop": {"accountSid": "AC1", "callSid": CALL}}]

    def understand(self, item: str | bytes) -> None:
        message = json.loads(item)
        media, mark, clear = self.orders
        if not self.stream.items() <= message.items():
            self.wrong.append(str(item))
        if message["event"] == media:
            self.play(base64.b64decode(message["media"]["payload"]))
        elif message["event"] == mark:
            self.mark(message["mark"]["name"] if mark == "mark" else message["name"])
        elif message["event"] == clear:
            self.flush()
        else:
            self.wrong.append(message["event"])


class SignalWireSystem(TwilioSystem):
    path = "/telephony/signalwire"


class TelnyxSystem(TwilioSystem):
    """https://developers.telnyx.com/docs/voice/programmable-voice/media-streaming"""

    path = "/telephony/telnyx"
    encoding: Encoding = "pcma"
    stream: Mapping[str, str] = {}

    def opening(self) -> list[Any]:
        form = {"encoding": "PCMA", "sample_rate": 8000, "channels": 1}
        start = {"user_id": "u", "call_control_id": CALL, "from": NUMBER, "to": DIALLED, "media_format": form}
        started = {"event": "start", "sequence_number": "1", "start": start, "stream_id": "32DE"}
        return [{"event": "connected", "version": "1.0.0"}, started]


class ExotelSystem(TwilioSystem):
    """https://developer.exotel.com/docs/agentstream/websocket-protocol"""

    path = "/telephony/exotel"
    encoding: Encoding = "pcm16"
    rate = 16_000
    stream: Mapping[str, str] = {"stream_sid": "MZ1"}

    def opening(self) -> list[Any]:
        form = {"encoding": "audio/x-raw", "sample_rate": "16000", "bit_rate": "16"}
        start = {**self.stream, "call_sid": CALL, "account_sid": "AC1", "from": NUMBER, "to": DIALLED}
        start |= {"custom_parameters": {"key1": "value1"}, "media_format": form}
        return [{"event": "connected"}, {"event": "start", "sequence_number": "1", "start": start, **self.stream}]

    def play(self, payload: bytes) -> None:
        if len(payload) < 3_200 or len(payload) % 320:
            self.wrong.append(f"a piece of {len(payload)} bytes")
        super().play(payload)


class PlivoSystem(TwilioSystem):
    """https://www.plivo.com/docs/voice/audio-streaming"""

    path = "/telephony/plivo"
    stream: Mapping[str, str] = {"streamId": "s-1"}
    orders = ("playAudio", "checkpoint", "clearAudio")

    async def dial(self, http: aiohttp.ClientSession, home: str, **query: str) -> None:
        await super().dial(http, home, number=NUMBER, dialled=DIALLED, **query)

    def opening(self) -> list[Any]:
        form = {"encoding": "audio/x-mulaw", "sampleRate": 8000}
        start = {**self.stream, "callId": CALL, "accountId": "1", "tracks": ["inbound"], "mediaFormat": form}
        return [{"event": "start", "sequenceNumber": 0, "start": start, "extra_headers": "{}"}]

    def played(self, mark: str) -> Any:
        return {"event": "playedStream", **self.stream, "name": mark}


class JambonzSystem(System):
    """https://docs.jambonz.org/verbs/verbs/listen"""

    path = "/telephony/jambonz"
    rate = 16_000

    def opening(self) -> list[Any]:
        return [{"callSid": CALL, "from": NUMBER, "to": DIALLED, "sampleRate": self.rate, "mixType": "mono"}]

    def key(self, digit: str) -> Any:
        return {"event": "dtmf", "dtmf": digit, "duration": "1600"}

    def played(self, mark: str) -> Any:
        return {"type": "mark", "data": {"name": mark, "event": "playout"}}

    def understand(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self.play(item)
            return
        match json.loads(item):
            case {"type": "mark", "data": {"name": name}}:
                self.mark(name)
            case {"type": "killAudio"}:
                self.flush()
            case {"type": "clearMarks"}:
                pass
            case {"type": "disconnect"}:
                self.told_to_hang_up = True
            case _:
                self.wrong.append(item)


class FreeSwitchSystem(System):
    """https://github.com/amigniter/mod_audio_stream"""

    path = "/telephony/freeswitch"
    flushes = marks = hangs_up = False
    rate = 16_000

    async def dial(self, http: aiohttp.ClientSession, home: str, **query: str) -> None:
        await super().dial(http, home, rate="16000", **query)

    def opening(self) -> list[Any]:
        return [{"call": CALL, "number": NUMBER, "dialled": DIALLED}]

    def key(self, digit: str) -> Any:
        return {"event": "dtmf", "digit": digit}

    def understand(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self.play(item)
        else:
            self.wrong.append(item)


class AudioSocketSystem(System):
    """include/asterisk/res_audiosocket.h, with slin16."""

    rate = 16_000
    flushes = marks = False
    id = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")

    async def dial(self, http: aiohttp.ClientSession, home: str, **query: str) -> None:
        host, port = home.split(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        await self.begin()

    def opening(self) -> list[Any]:
        return [b"\x01\x00\x10" + self.id.bytes]

    def sound(self, payload: bytes) -> Any:
        return b"\x12" + len(payload).to_bytes(2) + payload

    def key(self, digit: str) -> Any:
        return b"\x03\x00\x01" + digit.encode()

    def goodbye(self) -> list[Any]:
        return [b"\x00\x00\x00"]

    async def send(self, item: Any) -> None:
        self._writer.write(item)
        await self._writer.drain()

    async def hang_up(self) -> None:
        if not self.closed.is_set():
            await self.send(self.goodbye()[0])
        await self._end()
        self._writer.close()

    async def drop(self) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an orderly end
        self._writer.transport.abort()
        await self._end()

    async def _listen(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(3)
                payload = await self._reader.readexactly(int.from_bytes(header[1:]))
                if header[0] == 0x12:
                    self.play(payload)
                elif header[0] == 0x00:
                    self.told_to_hang_up = True
                else:
                    self.wrong.append(str(header))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()


WEB_SOCKETS: tuple[type[System], ...] = (
    AsteriskSystem, PlainAsteriskSystem, TwilioSystem, SignalWireSystem, TelnyxSystem, ExotelSystem, PlivoSystem,
    JambonzSystem, FreeSwitchSystem,
)  # fmt: skip
ALL = (*WEB_SOCKETS, AudioSocketSystem)
FAMILIES = (AsteriskSystem, TwilioSystem, PlivoSystem, JambonzSystem, FreeSwitchSystem, AudioSocketSystem)
"""One of each kind, where the small differences do not matter."""
