"""The events of a client of the OpenAI Realtime API (GA), as it sends them, read and checked. Pure."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from server.call.options import MAX_INSTRUCTIONS_CHARS
from signaling.openai.content import Item, Part
from signaling.openai.refused import Refused, refusal
from signaling.realtime.session_object import Modalities, Tokens

_Key = Annotated[str, StringConstraints(max_length=64)]
_Value = Annotated[str, StringConstraints(max_length=512)]
"""OpenAI's limits for metadata."""


class Wanted(Part):
    """What `response.create` asks for. What is left out is as in the session."""

    instructions: Annotated[str, StringConstraints(max_length=MAX_INSTRUCTIONS_CHARS)] = ""
    output_modalities: Modalities | None = None
    conversation: str = "auto"
    context: Annotated[list[Item], Field(max_length=128)] | None = Field(default=None, alias="input")
    metadata: Annotated[dict[_Key, _Value], Field(max_length=16)] | None = None
    max_output_tokens: Tokens | None = None

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, given: Any) -> Any:
        """What is null is left out."""
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


class _Event(Part):
    event_id: Annotated[str, StringConstraints(max_length=512)] | None = None


class SessionUpdate(_Event):
    type: Literal["session.update"]
    session: dict[str, Any]


class Append(_Event):
    type: Literal["input_audio_buffer.append"]
    audio: str = Field(repr=False)


class Commit(_Event):
    type: Literal["input_audio_buffer.commit"]


class Clear(_Event):
    type: Literal["input_audio_buffer.clear"]


class ClearOutput(_Event):
    type: Literal["output_audio_buffer.clear"]


class CreateItem(_Event):
    type: Literal["conversation.item.create"]
    item: Item
    previous_item_id: str | None = None


class RetrieveItem(_Event):
    type: Literal["conversation.item.retrieve"]
    item_id: str


class DeleteItem(_Event):
    type: Literal["conversation.item.delete"]
    item_id: str


class TruncateItem(_Event):
    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: int = 0
    audio_end_ms: Annotated[int, Field(ge=0)]


class CreateResponse(_Event):
    type: Literal["response.create"]
    response: Wanted = Wanted()


class CancelResponse(_Event):
    type: Literal["response.cancel"]
    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | Append
    | Commit
    | Clear
    | ClearOutput
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)

_EVENTS: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])


def read_event(given: Any) -> ClientEvent:
    """The event that a JSON value is. Raises Refused, which names what is wrong with it."""
    if not isinstance(given, dict):
        raise Refused("An event has to be a JSON object.", "invalid_type")
    try:
        return _EVENTS.validate_python(given)
    except ValidationError as exc:
        raise refusal(exc, given) from exc
