"""CallOptions: what one caller may choose for a call, in the offer's `requestData` or the WebSocket's `start`.

The `Choices` among them may be changed while the call goes on.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

MAX_REQUEST_CHARS = 4_000
"""How long the fields that the server does not read may be together, as JSON. They are kept for as long as the call."""
MAX_INSTRUCTIONS_CHARS = 16_000
"""How long a client's instructions may be. Each request to the model has them. It is about 4,000 tokens."""
MAX_TOOLS = 64
MAX_TOOLS_CHARS = 32_000
"""How long a client's tools may be together, as JSON. Each request to the model has them."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[\w.:/@+ -]*$")]

Language = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=35, pattern=r"^(auto|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$"),
]
"""A BCP 47 tag that begins with a language (RFC 5646, section 2.1), such as "de" or "en-GB"; or "auto"."""


Patience = Literal["quick", "normal", "patient"]
"""How long the agent waits in a pause and how hard it is to interrupt; turns/patience.py has what each means."""


class ClientTool(BaseModel):
    """A tool that the client runs. The model is told of it, and the client is asked to run it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """What all providers take as the name of a function."""
    description: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """The JSON schema of the arguments, which are an object. Empty: it takes none."""

    @model_validator(mode="after")
    def _takes_an_object(self) -> "ClientTool":
        if self.parameters.get("type", "object") != "object":
            raise ValueError("parameters has to be the JSON schema of an object")
        return self


def _fit(tools: tuple[ClientTool, ...]) -> tuple[ClientTool, ...]:
    """Raises ValueError if two have the same name, or if they are too long together."""
    if len({tool.name for tool in tools}) < len(tools):
        raise ValueError("two tools have the same name")
    written = [tool.model_dump() for tool in tools]
    try:
        text = json.dumps(written, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise ValueError("NaN and Infinity are not JSON") from None
    if len(text) > MAX_TOOLS_CHARS:
        raise ValueError(f"the tools have more than {MAX_TOOLS_CHARS} characters")
    return tools


class Choices(BaseModel):
    """What a client may choose when a call begins, and change while it goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    instructions: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_INSTRUCTIONS_CHARS)] = ""
    """What the client tells the model, beside the agent's own instructions. Only for agents `by_client`."""
    tools: Annotated[tuple[ClientTool, ...], Field(max_length=MAX_TOOLS), AfterValidator(_fit)] = ()
    """The tools that the client runs, beside the agent's own. Only for agents `by_client`."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many tokens one reply may have."""
    voice: Name = ""
    """The name of a voice, as the text-to-speech engine calls it."""
    language: Language = ""
    """The language that the caller speaks and wants to hear. With "auto" it is detected in the call."""
    turns: Literal["auto", "manual"] = "auto"
    """Who says that the caller is done: the server, or with "manual" the client, by `commit` (push to talk)."""
    answers: Literal["auto", "asked"] = "auto"
    """When the agent speaks: with "asked" only when the client says `respond` or types. What the caller says goes into
    the history. There is no greeting then, and nobody asks a silent caller."""
    patience: Patience | Literal[""] = ""
    """How patient the agent is in this call."""


class CallOptions(Choices):
    """The choices for one call. None and "" choose nothing: the server's and the agent's own settings are used."""

    model: Name = ""
    """A pydantic-ai model name. The server has a list of the names that it allows."""
    transfers: bool = False
    """The client can transfer the call to a person: it understands the message `transfer`."""


class CallRequest(CallOptions):
    """What a client sends to begin a call, or to go on with one: the choices, and fields for the agent alone."""

    model_config = ConfigDict(extra="allow")

    @property
    def own(self) -> Mapping[str, Any]:
        """The fields that the server does not read."""
        return self.model_extra or {}

    @model_validator(mode="after")
    def _short(self) -> "CallRequest":
        try:
            text = json.dumps(self.model_extra, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except ValueError:
            raise ValueError("NaN and Infinity are not JSON") from None
        if len(text) > MAX_REQUEST_CHARS:
            raise ValueError(f"the fields for the agent have more than {MAX_REQUEST_CHARS} characters")
        return self
