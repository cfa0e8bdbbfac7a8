"""CallOptions: what one caller may choose for a call, in the offer's `requestData` or the WebSocket's `start`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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
