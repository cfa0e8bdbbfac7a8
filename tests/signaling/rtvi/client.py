"""A client of RTVI in tests, and the translator that it speaks through."""

import json
from typing import Any

from server.call.messages import (
    Hello,
    ServerMessage,
    parse_client,
)
from signaling.rtvi.translator import Rtvi

NOW = "2026-11-30T12:00:00.000+00:00"
HELLO = Hello(session_id="s", agent="Desk", resume="secret")
READY = {"version": "2.1.0", "about": {"library": "@pipecat-ai/client-js"}}


def message(kind: str, data: Any = None, message_id: Any = "1") -> str:
    return json.dumps({"label": "rtvi-ai", "type": kind, "id": message_id, "data": data})


class Client:
    """A client, and the translator that it speaks through."""

    def __init__(self, ready: bool = True) -> None:
        self.rtvi = Rtvi(lambda: NOW)
        if ready:
            self.says("client-ready", READY)

    def says(self, kind: str, data: Any = None) -> tuple[list[Any], list[dict[str, Any]]]:
        """What the call is told of a message of the client, and what the client is answered."""
        read = self.rtvi.read(message(kind, data))
        return [parse_client(told) for told in read.told], [json.loads(answer) for answer in read.answers]

    def told(self, *messages: ServerMessage) -> list[tuple[str, Any]]:
        items = [json.loads(item) for each in messages for item in self.rtvi.write(each)]
        return [(item["type"], item.get("data")) for item in items]

    def types(self, *messages: ServerMessage) -> list[str]:
        return [kind for kind, _ in self.told(*messages)]
