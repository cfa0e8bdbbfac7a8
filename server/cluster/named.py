"""Named: which call a request is about, as far as its address and its body tell. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import NotFound
from signaling.rtvi.session_id import NEW, read_session_id
from signaling.ways import AGAIN, TWILIO_VOICE

_WAY = re.compile(r"/agents/[^/]+(?=/)")
_OFFER = re.compile(r"(?:/sessions/([^/]+))?/api/offer")
_CONVERSATION = re.compile(r"/api/voice/conversation/([^/]+)")
_RTVI = re.compile(r"/rtvi(?:/[^/]+)?")
_START = re.compile(r"/(?:start|connect)")
_ICE_SERVERS = "/api/ice-servers"
_OPENAI = re.compile(r"/v1/(?:realtime|live/sessions)")
_IN_PATH = re.compile(
    r"/(?:whip|whep|api/calls|v1/realtime/calls|v1/live/sessions)/([^/]+)(?:/.*)?",
)
"""The calls that an address names, for whoever is connected with them or controls them."""


@dataclass(frozen=True, slots=True)
class Named:
    """A call, by one of its ids."""

    id: str
    resumes: bool = False
    """The request goes on with the conversation, by its token. Every server can do so if the one that had it is
    gone."""


def has_body(method: str, path: str) -> bool:
    """Whether the body of a request may name a call."""
    path = _WAY.sub("", path, count=1)
    return method in ("POST", "PATCH") and bool(_OFFER.fullmatch(path) or _START.fullmatch(path))


def named(method: str, path: str, query: Mapping[str, str], body: object = None) -> Named | None:
    """The call that a request names; None if it names none. `body` is its JSON, if `has_body`."""
    path = _WAY.sub("", path, count=1)
    if found := _OFFER.fullmatch(path):
        return _of_offer(method, found[1] or NEW, query, body if isinstance(body, dict) else {})
    if found := _CONVERSATION.fullmatch(path):
        return Named(found[1], resumes=True) if found[1] != NEW else None
    if _RTVI.fullmatch(path):
        session_id, _, resume = query.get("token", "").partition(".")
        return Named(session_id, resumes=True) if resume else None
    if _OPENAI.fullmatch(path):
        return _of_query(query)
    if _START.fullmatch(path):
        return _known(_object(_object(body).get("body")).get("session_id"))
    if path == _ICE_SERVERS:
        return _known(query.get("session_id"))
    if path == TWILIO_VOICE:
        return _known(query.get(AGAIN))
    if found := _IN_PATH.fullmatch(path):
        return Named(found[1])
    return None


def _of_offer(method: str, session: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Named | None:
    if method == "DELETE":
        return _known(query.get("pc_id"))
    data = {**_chosen(session), **_object(body.get("requestData"))}
    if data.get("resume") and (resumed := _known(data.get("session_id"))):
        return Named(resumed.id, resumes=True)
    return _known(body.get("pc_id"))


def _of_query(query: Mapping[str, str]) -> Named | None:
    """OpenAI's clients name a call that they watch, or a conversation that they go on with."""
    if call_id := query.get("call_id"):
        return Named(call_id)
    return Named(query["session_id"], resumes=True) if query.get("session_id") and query.get("resume") else None


def _chosen(session: str) -> Mapping[str, Any]:
    """What a client of Pipecat has chosen before."""
    try:
        return read_session_id(session)
    except NotFound:
        return {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _known(value: object) -> Named | None:
    return Named(value) if isinstance(value, str) and value else None
