"""The events of a client of the OpenAI Realtime API (GA), as it sends them, and the refusal of what is none. Pure."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from signaling.json_values import TooMuch, read_value

MAX_ID_CHARS = 128
"""How long the id of an event or an item may be. OpenAI's have about 25 characters."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS)]


class Refused(Exception):
    """A client's event cannot be carried out. The client is told by the event `error`, in OpenAI's shape."""

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param


_Key = Annotated[str, StringConstraints(max_length=64)]
_Value = Annotated[str, StringConstraints(max_length=512)]
"""OpenAI's limits for metadata."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Content(_Part):
    """One part of a message. `transcript` has the words of a part that is sound."""

    type: Literal["input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio"]
    text: str | None = None
    transcript: str | None = None
    audio: str | None = Field(default=None, repr=False)


class Item(_Part):
    """An item of the conversation. Which fields it needs depends on its `type`; `needed` checks them."""

    id: Id | None = None
    type: Literal["message", "function_call", "function_call_output", "item_reference"]
    role: Literal["user", "assistant", "system"] | None = None
    content: Annotated[list[Content], Field(max_length=64)] = []
    call_id: Id | None = None
    name: Id | None = None
    arguments: str | None = None
    output: str | None = None

    @property
    def words(self) -> str:
        """What the parts of a message say."""
        return "\n".join(text for part in self.content if (text := part.text or part.transcript))

    @property
    def chars(self) -> int:
        """How many characters are kept of it."""
        parts = sum(len(part.text or "") + len(part.transcript or "") for part in self.content)
        return parts + len(self.arguments or "") + len(self.output or "")


class Wanted(_Part):
    """What `response.create` asks for. What is left out is as in the session."""

    instructions: str = ""
    output_modalities: list[Literal["text", "audio"]] | None = None
    conversation: str = "auto"
    context: Annotated[list[Item], Field(max_length=128)] | None = Field(default=None, alias="input")
    metadata: Annotated[dict[_Key, _Value], Field(max_length=16)] | None = None
    max_output_tokens: int | Literal["inf"] | None = None


class _Event(_Part):
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
        raise refusal(exc) from exc


def refusal(error: ValidationError) -> Refused:
    """What a client is told of the first thing that is wrong. It does not repeat the client's value."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return Refused("There is no event of this type.", "invalid_value", "type")
    path = [str(part) for part in first["loc"]]
    param = ".".join(path[1:] if path[:1] and "." in path[0] else path) or None  # the first one is the type's name
    code = {"missing": "missing_required_parameter"}.get(first["type"], "invalid_value")
    return Refused(f"{first['msg']}.", code, param)


def read_json(text: str | bytes) -> Any:
    """The JSON value of a message, as `read_value` reads it. Raises Refused."""
    try:
        return read_value(text)
    except TooMuch as exc:
        raise Refused(str(exc), "too_large") from exc
    except ValueError as exc:
        raise Refused("The message is not JSON.", "invalid_json") from exc
