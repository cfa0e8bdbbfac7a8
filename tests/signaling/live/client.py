"""A client of OpenAI Live for tests. It checks each event by the types of OpenAI's own library."""

import base64
import json
from typing import Any, get_args

from openai.types.live import ServerEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from server.call.messages import AudioFormat, Hello, ServerMessage, State
from signaling.live.session_config import LiveConfig
from signaling.live.translator import LiveTranslator
from signaling.openai.way import Way

EVENTS = {get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(get_args(ServerEvent)[0])}
"""OpenAI's own class for each type of event."""
NESTED: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
HELLO = Hello(session_id="s1", agent="Shop", resume="secret")
LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
RESPONSES = {"type": "responses", "responses": {"model": "gpt-6", "tools": [LOOK_UP]}}


class Client:
    """Speaks with a translator. `events` has what it was told, and `told` what our session was told."""

    def __init__(self, on_webrtc: bool = False, **session: Any) -> None:
        self.now_ms = 0.0
        self.formats: list[AudioFormat] = []
        self.events: list[dict[str, Any]] = []
        self.told: list[Any] = []
        self.refs: list[str] = []
        """The names of what our session was told, by which it refuses it."""
        way = Way("n", on_webrtc, lambda: self.now_ms, lambda heard, spoken: self.formats.append(heard), self._note)
        self.config = LiveConfig({"model": "gpt-live-1", **session}, on_webrtc, 1_000, 4_600)
        self.config.session_id = "live_1"
        self.translator = LiveTranslator(way, self.config)

    def say(self, type: str, **fields: Any) -> list[str]:
        """Send an event. Returns the types of what comes back."""
        return self.send(json.dumps({"type": type, **fields}))

    def send(self, item: str | bytes, watches: bool = False) -> list[str]:
        read = self.translator.read_watcher(item) if watches else self.translator.read(item)
        self._note(read.told)
        return self._take(read.answers)

    def append(self, sound: bytes) -> list[str]:
        return self.say("session.input_audio.append", audio=base64.b64encode(sound).decode())

    def hear(self, *messages: ServerMessage) -> list[str]:
        """Our session says this. Returns the types of what the client is told."""
        return [each for message in messages for each in self._take(self.translator.write(message))]

    def sound(self, size: int = 960) -> list[str]:
        return self._take(self.translator.say(bytes(size)))

    def last(self, type: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == type)

    def nested(self) -> list[str]:
        """The types of the events of the Responses API."""
        return [event["event"]["type"] for event in self.events if event["type"] == "response.event"]

    def _note(self, told: Any) -> None:
        new = [json.loads(each) if isinstance(each, str) else each for each in told]
        self.refs += [each.pop("ref") for each in new if isinstance(each, dict) and "ref" in each]
        self.told += new

    def _take(self, items: Any) -> list[str]:
        new = [json.loads(item) for item in items]
        for event in new:
            EVENTS[event["type"]].model_validate(event)
            if event["type"] == "response.event":
                NESTED.validate_python(event["event"])
        self.events += new
        return [event["type"] for event in new]


def started(**options: Any) -> Client:
    """A client whose session runs."""
    client = Client(**options)
    client.hear(HELLO, State(state="listening"))
    return client
