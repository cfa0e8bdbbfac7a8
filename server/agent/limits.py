"""Limits: how long the caller waits for the agent's model and tools, and how much of the call the model is given."""

import json
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt

from server.settings_group import SettingsGroup


def _parsed(value: object) -> object:
    return json.loads(value or "{}") if isinstance(value, str) else value


JsonObject = Annotated[dict[str, Any], BeforeValidator(_parsed)]
"""Written as JSON. A text that is not JSON raises ValueError, as every wrong setting does."""


class RunLimits(SettingsGroup):
    """How long the caller waits for the agent's model and tools, and how much of the call the model gets."""

    title: ClassVar[str] = "One answer"

    first_token_s: PositiveFloat = 8.0
    """Seconds that a model may take to begin its answer. Hosted models mostly begin within 2 s; after 8 s of silence a
    caller thinks that the line is dead."""
    between_tokens_s: PositiveFloat = 4.0
    """Seconds that a model may stop in the middle of its answer. A longer stop means that the stream has died; the
    providers' own libraries would wait for minutes."""
    tools_s: PositiveFloat = 15.0
    """Seconds that all tools which the model calls in one step may take together."""
    background_s: PositiveFloat = 300.0
    """Seconds that a tool may take which runs in the background. Nobody waits for it in silence, but a caller who was
    promised a result should hear of it in the same call."""
    background_tools: PositiveInt = 4
    """Tools that may run in the background of one call at once. More are not run, and the model is told so."""
    requests: PositiveInt = 6
    """Requests to the model in one answer, at most. It stops a model that calls tools in circles."""
    answer_tokens: NonNegativeInt = 2_000
    """Tokens that the model may write in one request, at most; 0 leaves it to the provider. A call may choose fewer
    (`max_tokens`), and so may the agent. 1,000 tokens are six minutes of speech; a model that thinks before it speaks
    needs some hundred for its thoughts. Where `thinking` is set, the provider has its own limit."""
    model_settings: JsonObject = Field(default={})
    """Settings of pydantic-ai for each request to the model, as JSON: {"thinking": "low", "cache": true}. The agent's
    own win over these, and what a call has chosen wins over both."""
    functions_s: PositiveFloat = 10.0
    """Seconds that `make_deps`, `load_deps` or a hook of the agent may take. The caller waits for the first two, and
    clients give a call up after about as long; a hook that is cut off only misses its own work."""
    history_chars: PositiveInt = 100_000
    """Characters of the conversation so far that the model gets, at most: about 25,000 tokens, or two hours of talk.
    When there are more, the older exchanges give way to a summary, or are left out."""
    summaries: bool = True
    """Whether the agent's model summarises the older exchanges of a long call, beside the call, when 70 % of these
    characters are reached. Without a summary the older half is left out. It is a request to the model, and counts."""


class Meter(Protocol):
    """Counts what the runs of one call use."""

    @property
    def notice(self) -> str:
        """An instruction for the next request to the model, because the call has to end soon; else ""."""

    def add_request(self) -> None:
        """A request to the model begins."""

    def add_tokens(self, tokens: int) -> None:
        """A request has ended, or was cancelled. The model has read and written `tokens` for it."""


class NoMeter:
    """Counts nothing, for runs outside of a call."""

    notice = ""

    def add_request(self) -> None:
        pass

    def add_tokens(self, tokens: int) -> None:
        pass
