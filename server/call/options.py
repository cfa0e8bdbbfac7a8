"""CallOptions: what one caller may choose for a call, in the offer's `requestData` or the WebSocket's `start`."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_REQUEST_CHARS = 4_000
"""How long the fields that the server does not read may be together, as JSON. They are kept for as long as the call."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[\w.:/@+ -]*$")]

Language = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=35, pattern=r"^(auto|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$"),
]
"""A BCP 47 tag that begins with a language (RFC 5646, section 2.1), such as "de" or "en-GB"; or "auto"."""


Patience = Literal["quick", "normal", "patient"]
"""How long the agent waits in a pause and how hard it is to interrupt; turns/patience.py has what each means."""


class CallOptions(BaseModel):
    """The choices for one call. None and "" choose nothing: the server's and the agent's own settings are used."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    model: Name = ""
    """A pydantic-ai model name. The server has a list of the names that it allows."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many tokens one reply may have."""
    voice: Name = ""
    """The name of a voice, as the text-to-speech engine calls it."""
    language: Language = ""
    """The language that the caller speaks and wants to hear. With "auto" it is detected in the call."""
    patience: Patience | Literal[""] = ""
    """How patient the agent is in this call."""
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
