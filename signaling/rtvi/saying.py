"""Saying: what a client of RTVI says, in the messages of our own protocol."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from server.call.agent_messages import Ask, Note, Respond, ToolResult
from server.call.messages import ClientMessage, Dtmf, HangUp, Text, parse_client
from server.errors import PeerError
from signaling.rtvi.envelope import Envelope

MAX_KEYS = 32
"""How many keys of a telephone one message may have. A credit card has 16."""
WRITTEN = "written-"
"""What the ids of questions begin with whose answers are only written."""
IGNORED = ("ui-event", "ui-snapshot", "ui-cancel-job-group")
"""What is for an interface that an agent draws, which ours do not."""


def said(envelope: Envelope) -> Sequence[ClientMessage]:
    """What a message of the client asks for. Raises PeerError, which says what is wrong with it.

    `client-ready` is for the translator.
    """
    if envelope.type in IGNORED:
        return []
    if (read := _READ.get(envelope.type)) is None:
        raise PeerError(f"This server takes no {envelope.type[:40]}.")
    try:
        return list(read(envelope))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise PeerError(f"{envelope.type}: {first['msg']}") from exc


def own(data: Mapping[str, Any]) -> ClientMessage:
    """A `client-message`: a message of our own protocol, with the type `t` and the fields `d`. Raises PeerError."""
    kind, fields = data.get("t"), data.get("d")
    return parse_client(json.dumps({**(fields if isinstance(fields, dict) else {}), "type": kind}))


def _send_text(envelope: Envelope) -> Iterator[ClientMessage]:
    """Typed words. With `run_immediately` false the agent only knows them from its next answer on.

    With `audio_response` false they are a question beside the talk: the answer is only written.
    """
    words, given = _words(envelope.data.get("content")), envelope.data.get("options")
    options = given if isinstance(given, dict) else {}
    if options.get("run_immediately", True) is False:
        yield Note(text=words)
    elif options.get("audio_response", True) is False:
        yield Ask(id=f"{WRITTEN}{envelope.id or ''}", text=words)
    else:
        yield Text(text=words)


def _append_to_context(envelope: Envelope) -> Iterator[ClientMessage]:
    """The older form of `send-text`."""
    data = envelope.data
    role, words, now = data.get("role", "user"), _words(data.get("content")), data.get("run_immediately", False)
    if role == "user" and now:
        yield Text(text=words)
        return
    yield Note(role=role, text=words)
    if now:
        yield Respond()


def _result(envelope: Envelope) -> Iterator[ClientMessage]:
    yield ToolResult(id=envelope.data.get("tool_call_id", ""), output=envelope.data.get("result"))


def _dtmf(envelope: Envelope) -> Iterator[ClientMessage]:
    keys = envelope.data.get("buttons", [envelope.data.get("button")])
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise PeerError(f"`buttons` has to be a list of 1 to {MAX_KEYS} keys.")
    for key in keys:
        yield Dtmf(digit=key)


def _words(content: Any) -> str:
    if content is None:
        raise PeerError("`content` is missing.")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


_READ: Mapping[str, Callable[[Envelope], Iterator[ClientMessage]]] = {
    "send-text": _send_text,
    "append-to-context": _append_to_context,
    "dtmf": _dtmf,
    "llm-function-call-result": _result,
    "disconnect-bot": lambda envelope: iter([HangUp()]),
    "client-message": lambda envelope: iter([own(envelope.data)]),
}
