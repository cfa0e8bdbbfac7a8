"""Telephone systems, each written from its documentation."""

import asyncio
import json
import socket
import struct
from typing import Any
from uuid import UUID

import aiohttp

from tests.telephony.media_streams_systems import (
    ExotelSystem,
    PlivoSystem,
    SignalWireSystem,
    TelnyxSystem,
    TwilioSystem,
)
from tests.telephony.system import CALL, DIALLED, NUMBER, System


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
