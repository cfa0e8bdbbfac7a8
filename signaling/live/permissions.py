"""Permissions: what a page may say and be told on its data channel, as its backend has decided (a `Gate`). Pure.

They hold for the page alone. Who watches the call (sideband) is trusted.
"""

import json
from collections.abc import Sequence
from typing import Any

from signaling.live.session_object import DataChannel
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused, event_id_of, read_json


class Permissions:
    """The permissions of one page."""

    def __init__(self, allowed: DataChannel, nonce: str) -> None:
        self._out = Outgoing(f"{nonce}p", "client_event_id")
        said, told = allowed.allowed_client_events, allowed.allowed_server_events
        self._said = None if said is None or said == "all" else frozenset(said)
        self._told = (
            None if told is None or told == "all" else frozenset((each.type, each.response_event) for each in told)
        )

    @property
    def everything(self) -> bool:
        return self._said is None and self._told is None

    def refuse(self, item: str | bytes) -> Sequence[str | bytes] | None:
        """What the page is answered that may not say this. What is no event is for the translator to refuse."""
        try:
            event = read_json(item)
        except Refused:
            return None
        kind = event.get("type") if isinstance(event, dict) else None
        if self._said is None or (isinstance(kind, str) and kind in self._said):
            return None
        refused = Refused("This client may not send events of this type.", "event_not_allowed", "type")
        self._out.error(refused, event_id_of(event))
        return self._out.take()

    def pass_on(self, items: Sequence[str | bytes]) -> Sequence[str | bytes]:
        if self._told is None:
            return items
        return [item for item in items if _names(json.loads(item)) in self._told]


def _names(event: dict[str, Any]) -> tuple[str, str | None]:
    """An event as a selector names it."""
    kind: str = event["type"]
    return kind, event["event"]["type"] if kind == "response.event" else None
