"""Limits: how long the caller waits for the agent's model and tools, and how much of the call the model is given."""

from typing import ClassVar

from pydantic import PositiveFloat, PositiveInt

from server.settings_group import SettingsGroup


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
    requests: PositiveInt = 6
    """Requests to the model in one answer, at most. It stops a model that calls tools in circles."""
    history_chars: PositiveInt = 100_000
    """Characters of the conversation so far that the model gets, at most: about 25,000 tokens, or two hours of talk.
    When there are more, the older half is left out."""
