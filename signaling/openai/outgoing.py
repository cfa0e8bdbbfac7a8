"""Outgoing: the events of the server, with their ids, as a client of one of OpenAI's protocols reads them. Pure."""

import base64
import json
from typing import Any

from server.call.line.translator import PrivateItem, SoundItem
from signaling.openai.refused import Refused

_OF_THE_CLIENT = frozenset(
    "bad_request too_many too_large too_fast too_slow not_found invalid_token unauthorized forbidden superseded".split()
)


class Outgoing:
    """What waits to be sent to the client. `take` empties it."""

    def __init__(self, nonce: str, cause: str = "event_id") -> None:
        """`nonce` makes the ids of this connection differ from those of others. `cause` is the field of an error that
        names the client's event."""
        self._nonce = nonce
        self._cause = cause
        self._events: list[str | bytes] = []
        self._number = 0

    def new_id(self, kind: str) -> str:
        """An id that was not given before, such as item_…"""
        self._number += 1
        return f"{kind}_{self._nonce}{self._number:04d}"

    def event(self, type: str, **fields: Any) -> None:
        """Say this event."""
        event = {"type": type, "event_id": self.new_id("event"), **fields}
        self._events.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))

    def sound(self, type: str, sound: bytes, where: str = "") -> None:
        """Say the next sound. `where` has the fields that name what it is a part of, as JSON that ends with a comma.

        Nothing is looked up for it: it is said 50 times a second, and a caller waits for the first one.
        """
        event_id, delta = self.new_id("event"), base64.b64encode(sound).decode()
        self._events.append(SoundItem(f'{{"type":"{type}","event_id":"{event_id}",{where}"delta":"{delta}"}}'))

    def error(self, refused: Refused, event_id: str | None) -> None:
        """Say that the client's event could not be carried out."""
        self.failure("invalid_request_error", refused.code, refused.message, refused.param, event_id)
        self._events.append(PrivateItem(self._events.pop()))

    def failed(self, code: str, message: str, event_id: str | None) -> None:
        """Say an error of our own session. `event_id` is the client's event of which it came."""
        kind = "invalid_request_error" if code in _OF_THE_CLIENT else "server_error"
        self.failure(kind, code, message, event_id=event_id)

    def failure(
        self, kind: str, code: str, message: str, param: str | None = None, event_id: str | None = None
    ) -> None:
        """Say the event `error`, in OpenAI's shape."""
        error = {"type": kind, "code": code, "message": message, "param": param, self._cause: event_id}
        self.event("error", error=error)

    def take(self) -> list[str | bytes]:
        """What was said since the last call of this."""
        events, self._events = self._events, []
        return events
