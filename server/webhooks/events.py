"""Events: what has happened in a call between one record of it and the next, for the operator's own systems.

They are taken from the records that are stored, so they cannot say anything else than the archive does.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from server.agent.hooks import CallEnd, CallExchange, CallTool, EndReason
from server.record.conversation import Conversation, Exchange, Said, ToolUse
from server.webhooks.types import ENDED, EXCHANGE, HANDED_OVER, STARTED, TOOL

_SAID = TypeAdapter(tuple[Said, ...])
_REASON: TypeAdapter[EndReason] = TypeAdapter(EndReason)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened in a call. `told` is what `data` has beside the call."""

    type: str
    told: dict[str, Any]


def between(before: Conversation, after: Conversation) -> Iterator[Event]:
    """What has happened since the record `before`, in order. An exchange that has changed since comes once more."""
    if before.revision == 0:
        yield Event(STARTED, {})
    for number in range(max(0, len(before.exchanges) - 1), len(after.exchanges)):
        known = before.exchanges[number] if number < len(before.exchanges) else Exchange(())
        yield from _exchanged(number + 1, known, after.exchanges[number])
    if (agent := before.standing.agent) and agent != after.standing.agent:
        yield Event(HANDED_OVER, {"hand_over": {"from": agent, "to": after.standing.agent}})
    if after.end_reason and not before.end_reason:
        yield Event(ENDED, {"end": asdict(_end(after))})


def body(event: Event, timestamp: str, call: dict[str, str]) -> str:
    """The event as JSON; `timestamp` is in ISO 8601. That of the end has no transcript yet: see `with_transcript`."""
    payload = {"type": event.type, "timestamp": timestamp, "data": {"call": call, **event.told}}
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def wants_transcript(event: str) -> bool:
    """Whether this body of an event is sent with the transcript of its call."""
    return event.startswith(f'{{"type":"{ENDED}"')


def with_transcript(event: str, exchanges: Iterable[str]) -> str:
    """The body of the end with the transcript of the call, from the `transcript_part` of each exchange."""
    return f'{event[:-2]},"transcript":[{",".join(filter(None, exchanges))}]}}}}'


def transcript_part(exchange: Exchange) -> str:
    """What was said in an exchange, as JSON objects with commas between them."""
    return _SAID.dump_json(exchange.said)[1:-1].decode()


def _exchanged(number: int, before: Exchange, after: Exchange) -> Iterator[Event]:
    if before.said == after.said:
        return
    for use in (Counter(_tools(after)) - Counter(_tools(before))).elements():
        tool = CallTool(use.name, use.arguments, use.result)
        yield Event(TOOL, {"tool": {"exchange": number, **asdict(tool)}})
    name = next((said.name for said in after.said if said.who == "agent"), "")
    yield Event(EXCHANGE, {"exchange": {"number": number, "name": name, **asdict(_told(after))}})


def _tools(exchange: Exchange) -> list[ToolUse]:
    return [use for said in exchange.said for use in said.tools]


def _told(exchange: Exchange) -> CallExchange:
    """The exchange as the agent's hooks are told it."""
    texts = {said.who: said.text.strip() for said in exchange.said}
    return CallExchange(
        texts.get("caller", ""),
        texts.get("agent", ""),
        any(said.interrupted for said in exchange.said),
        tuple(CallTool(use.name, use.arguments, use.result) for use in _tools(exchange)),
        min((said.start_ms for said in exchange.said), default=0),
        max((said.end_ms for said in exchange.said), default=0),
    )


def _end(record: Conversation) -> CallEnd:
    """The end as the agent's hooks are told it."""
    used, reason = record.standing.used, _REASON.validate_python(record.end_reason)
    return CallEnd(
        reason,
        len(record.exchanges),
        used.time_ms / 1000,
        used.requests,
        used.tokens,
        used.speech_ms / 1000,
        used.transcription_ms / 1000,
    )
