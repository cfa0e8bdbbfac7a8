"""The session object of OpenAI Live, as clients write it, and what of it is not served here. Pure."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.call.messages import AudioFormat
from signaling.openai.formats import OUR_FORMATS
from signaling.openai.refused import Refused, refusal

MAX_HISTORY = 128
"""How many earlier messages a session may begin with."""

Events = Literal["all"] | Annotated[list[str], Field(max_length=64)] | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Format(_Part):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: int | None = None


Name = Annotated[str, Field(max_length=100, pattern=r"^[\w.:/@+ -]*$")]
"""The name of a voice, as our own `Choices` have it."""


class Voice(_Part):
    id: Name


class Output(_Part):
    voice: Name | Voice | None = None


class Audio(_Part):
    format: Format | None = None
    output: Output | None = None


class Tool(_Part):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Responses(_Part):
    model: str | None = None
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    max_output_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Delegation(_Part):
    type: Literal["client", "responses", "decisions"]
    responses: Responses | None = None


class Text(_Part):
    text: str


class Message(_Part):
    role: Literal["developer", "user", "assistant"]
    content: Annotated[list[Text], Field(min_length=1, max_length=1)]


class Selector(_Part):
    type: str
    response_event: str | None = None


class DataChannel(_Part):
    """What a page may say and be told on its data channel. None is all."""

    allowed_client_events: Events = None
    allowed_server_events: Literal["all"] | Annotated[list[Selector], Field(max_length=256)] | None = None


class Client(_Part):
    data_channel: DataChannel | None = None


class Session(_Part):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    instructions: str | None = None
    audio: Audio | None = None
    delegation: Delegation | None = None
    history: Annotated[list[Message], Field(max_length=MAX_HISTORY)] | None = Field(default=None, alias="input")
    client: Client | None = None
    store: bool | None = None
    triggers: list[Any] | None = None
    safety_identifier: str | None = None


_P = TypeVar("_P", bound=BaseModel)


def read(kind: type[_P], given: Any, where: str) -> _P:
    """What is given, as `kind`. Raises Refused, which names what is wrong below `where`."""
    try:
        return kind.model_validate(given)
    except ValidationError as exc:
        refused = refusal(exc, given)
        param = where if refused.param is None else f"{where}.{refused.param}"
        raise Refused(refused.message, refused.code, param) from exc


def our_format(form: Format | None) -> AudioFormat:
    """Raises Refused for a rate that the format does not have."""
    if form is None:
        return OUR_FORMATS["audio/pcm"]
    ours = OUR_FORMATS[form.type]
    rates = {24000: ours, 16000: AudioFormat(encoding="pcm16")} if form.type == "audio/pcm" else {8000: ours}
    if (found := ours if form.rate is None else rates.get(form.rate)) is None:
        raise Refused(f"{form.type} has no such rate here.", "invalid_value", "session.audio.format.rate")
    return found


def check_served(delegation: Delegation | None, triggers: Any) -> None:
    """Raises Refused for what is not served here."""
    if triggers:
        raise Refused("Decisions are not made here.", "unsupported", "session.triggers")
    if delegation is None:
        return
    if delegation.type == "decisions":
        raise Refused("Decisions are not made here.", "unsupported", "session.delegation.type")
    if any(tool.type != "function" for tool in (delegation.responses or Responses()).tools or ()):
        raise Refused("Of the tools only functions are served.", "unsupported", "session.delegation.responses.tools")
