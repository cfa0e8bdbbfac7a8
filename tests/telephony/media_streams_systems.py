"""The telephone systems that speak Twilio's dialect of Media Streams, each written from its documentation."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from server.media.stream import Encoding
from tests.telephony.system import CALL, DIALLED, NUMBER, System


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

    def flush(self) -> None:
        """All marks that wait come back, as if what was before them had been played."""
        marks = [item for item in self._queue if isinstance(item, str)]
        super().flush()
        self._queue.extend(marks)

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
