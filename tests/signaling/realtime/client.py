"""A client of the OpenAI Realtime API for tests. It checks each event by the types of OpenAI's own library."""

import base64
import json
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent

from server.call.messages import AudioFormat, ServerMessage
from signaling.openai.way import Way
from signaling.realtime.session_config import SessionConfig
from signaling.realtime.translator import RealtimeTranslator

EVENTS = {
    get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(get_args(RealtimeServerEvent)[0])
}
"""OpenAI's own class for each type of event."""


class Client:
    """Speaks with a translator. `events` has what it was told, and `told` what our session was told."""

    def __init__(self, on_webrtc: bool = False, kind: Any = "realtime") -> None:
        self.now_ms = 0.0
        self.formats: list[tuple[AudioFormat, AudioFormat]] = []
        self.heard_ms = 0.0
        way = Way(
            "n", on_webrtc, lambda: self.now_ms, lambda heard, spoken: self.formats.append((heard, spoken)),
            heard_ms=lambda: self.heard_ms,
        )  # fmt: skip
        self.translator = RealtimeTranslator(way, SessionConfig("sess_1", "gpt-realtime", kind))
        self.events: list[dict[str, Any]] = []
        self.told: list[Any] = []
        self.refs: list[str] = []
        """The names of what our session was told, by which it refuses it."""

    def say(self, type: str, **fields: Any) -> list[str]:
        """Send an event. Returns the types of what comes back."""
        return self.send(json.dumps({"type": type, **fields}))

    def send(self, item: str | bytes) -> list[str]:
        read = self.translator.read(item)
        told = [json.loads(each) if isinstance(each, str) else each for each in read.told]
        self.refs += [each.pop("ref") for each in told if isinstance(each, dict) and "ref" in each]
        self.told += told
        return self._take(read.answers)

    def append(self, sound: bytes) -> list[str]:
        """Send 24 kHz PCM, which is heard at once."""
        self.heard_ms += len(sound) / 48
        return self.say("input_audio_buffer.append", audio=base64.b64encode(sound).decode())

    def hear(self, *messages: ServerMessage) -> list[str]:
        """Our session says this. Returns the types of what the client is told."""
        return [each for message in messages for each in self._take(self.translator.write(message))]

    def sound(self, frames: int = 1, size: int = 960) -> list[str]:
        return [each for _ in range(frames) for each in self._take(self.translator.say(bytes(size)))]

    def last(self, type: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == type)

    def _take(self, items: Any) -> list[str]:
        new = [json.loads(item) for item in items]
        for event in new:
            EVENTS[event["type"]].model_validate(event)
        self.events += new
        return [event["type"] for event in new]
