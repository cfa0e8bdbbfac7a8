"""A caller whose client speaks the OpenAI Realtime API, on virtual time."""

import json
from typing import Any

from server.call import messages
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.people import Caller
from tests.signaling.realtime.client import Client

USER = {"type": "message", "role": "user"}


class Line(Caller):
    """A caller whose client speaks the Realtime API. Its sound comes by WebRTC."""

    def __init__(self, mind: GuidedMind, greeting: str = "", **options: Any) -> None:
        self.client = Client(on_webrtc=True)
        super().__init__(mind, greeting=greeting, **options)

    def send(self, message: messages.ServerMessage) -> None:
        super().send(message)
        self.client.now_ms = self.now_ms
        self.client.hear(message)

    def event(self, type: str, **fields: Any) -> None:
        """The client says this."""
        self.client.now_ms = self.now_ms
        self.client.say(type, **fields)
        told, self.client.told = self.client.told, []
        for each in told:
            self.session.receive_text(json.dumps(each))

    def choose(self, **session: Any) -> None:
        self.event("session.update", session={"type": "realtime", **session})

    def write(self, text: str) -> None:
        self.event("conversation.item.create", item={**USER, "content": [{"type": "input_text", "text": text}]})

    def types(self) -> list[str]:
        return [event["type"] for event in self.client.events]

    def responses(self) -> list[Any]:
        """The status of each response that is over, and what its items say or call."""
        done = [event["response"] for event in self.client.events if event["type"] == "response.done"]
        return [
            (each["status"], [item.get("name") or item["content"][0]["transcript"] for item in each["output"]])
            for each in done
            if each["conversation_id"] is not None
        ]
