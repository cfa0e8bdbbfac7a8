"""The envelope of RTVI 2.x: every message, both ways, is {label: "rtvi-ai", type, id, data}.

A Pipecat client ignores what has another label. Two other things are on a data channel: texts of `ping: <ms>`, and
{type: "signalling", message}.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from server.errors import PeerError
from signaling.json_values import TooMuch, read_value

LABEL = "rtvi-ai"
VERSION = "2.2.0"
"""The version of the protocol that the server speaks. Clients compare only the first number."""
MessageId = str | int | None
"""As the client has sent it: an answer has the same one. None: it has sent none, or something else."""
PEER_LEFT = '{"type":"signalling","message":{"type":"peerLeft"}}'
"""Tells the WebRTC transport that the call is over: the client closes it, and does not connect again."""
_PING = "ping"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message of a client. `data` is empty where the client has sent something else than an object."""

    type: str
    id: MessageId
    data: dict[str, Any] = field(repr=False)


def read_envelope(text: str | bytes) -> Envelope | None:
    """Read what a client sends. None: it tells nothing, such as a ping. Raises PeerError."""
    if is_ping(text):
        return None
    match _json(text):
        case {"label": "rtvi-ai", "type": str(kind), **rest}:
            given, data = rest.get("id"), rest.get("data")
            known = given if isinstance(given, (str, int)) and not isinstance(given, bool) else None
            return Envelope(kind, known, data if isinstance(data, dict) else {})
        case {"label": str(label)} if label != LABEL:
            return None  # a page may send messages of its own on the same channel
        case {"type": "signalling"}:
            return None
    raise PeerError(f"This is not a message of RTVI: it has no `type`, or not the label {LABEL}.")


def is_ping(text: str | bytes) -> bool:
    """The client sends one each second while a data channel is open."""
    return isinstance(text, str) and text.startswith(_PING)


def is_rtvi(first: str | bytes) -> bool:
    """Whether the first message of a client shows that it speaks RTVI."""
    if is_ping(first):
        return True
    try:
        value = _json(first)
    except PeerError:
        return False
    return isinstance(value, dict) and (value.get("label") == LABEL or value.get("type") == "signalling")


def write_envelope(kind: str, data: Any = None, answers: MessageId = None) -> str:
    """A message of the server. `answers` is the id of the message that it answers."""
    message = {"label": LABEL, "type": kind, **({"id": answers} if answers is not None else {})}
    return json.dumps(message if data is None else {**message, "data": data}, ensure_ascii=False)


def _json(text: str | bytes) -> Any:
    try:
        return read_value(text)
    except TooMuch as exc:
        raise PeerError(str(exc)) from exc
    except ValueError as exc:
        raise PeerError("This is not JSON.") from exc
