"""The events of a client of OpenAI Live, as it sends them, and what of them is not served here. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, field_validator

from signaling.openai.content import Item, Part
from signaling.openai.refused import Refused, refusal

MAX_CONTENT_CHARS = 4_000
"""How long what is appended may be. OpenAI takes 500 tokens, which are about 2,000 characters."""

_NOT_SERVED: Mapping[str, str] = {
    "session.output_audio.fixture.play": "Sounds of the client are not played here.",
    "decision.create": "Decisions are not made here.",
    "decision.item.create": "Decisions are not made here.",
    "decision.item.delete": "Decisions are not made here.",
    "transport.dtmf.send": "Keys are only pressed in calls by SIP, which do not begin by this API.",
}


class _Event(Part):
    event_id: Annotated[str, StringConstraints(max_length=512)] | None = None


class Start(_Event):
    type: Literal["session.start"]
    session: dict[str, Any]


class Update(_Event):
    type: Literal["session.update"]
    session: dict[str, Any]


class AppendAudio(_Event):
    type: Literal["session.input_audio.append"]
    audio: str = Field(repr=False)


class MuteAudio(_Event):
    type: Literal["session.input_audio.mute"]


class UnmuteAudio(_Event):
    type: Literal["session.input_audio.unmute"]


class _Append(_Event):
    content: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CONTENT_CHARS)]
    delegation_id: str | None = None


class AppendInstructions(_Append):
    type: Literal["session.instructions.append"]


class AppendThinking(_Append):
    type: Literal["session.thinking.append"]


class AppendCommentary(_Append):
    type: Literal["session.commentary.append"]


class CreateItem(_Event):
    type: Literal["response.item.create"]
    item: Item

    @field_validator("item", mode="before")
    @classmethod
    def _as_in_realtime(cls, item: Any) -> Any:
        """The Responses API writes items in more ways than the Realtime API."""
        if not isinstance(item, dict):
            return item
        item = {"type": "message" if "role" in item else None, **item}
        if item.get("role") == "developer":
            item["role"] = "system"
        if isinstance(text := item.get("content"), str):
            item["content"] = [{"type": "input_text", "text": text}]
        if isinstance(parts := item.get("output"), list):
            item["output"] = "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
        return item


class CreateResponse(_Event):
    type: Literal["response.create"]


class Close(_Event):
    type: Literal["session.close"]


ClientEvent = (
    Start
    | Update
    | AppendAudio
    | MuteAudio
    | UnmuteAudio
    | AppendInstructions
    | AppendThinking
    | AppendCommentary
    | CreateItem
    | CreateResponse
    | Close
)

_EVENTS: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])


def read_event(given: Any) -> ClientEvent:
    """The event that a JSON value is. Raises Refused, which names what is wrong with it, or that it is not served."""
    if not isinstance(given, dict):
        raise Refused("An event has to be a JSON object.", "invalid_type")
    if isinstance(kind := given.get("type"), str) and kind in _NOT_SERVED:
        raise Refused(_NOT_SERVED[kind], "unsupported", "type")
    try:
        return _EVENTS.validate_python(given)
    except ValidationError as exc:
        raise refusal(exc, given) from exc
