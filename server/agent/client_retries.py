"""Turns off the retries in the clients of providers.

A client that gets "429, Retry-After: 30" waits for 30 s by itself. It does not know for how long the caller has heard
nothing already. So the clients send each request once, and `Attempts` decides whether it is sent again.
"""

from typing import Any

from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings


def turn_off_retries(model: Model) -> Model:
    """Have the client of this model send each request once; returns the model."""
    client = _client(model)
    if client is not None:
        client.max_retries = 0
    return model


def sent_once(model: Model, settings: ModelSettings | None) -> ModelSettings:
    """`settings` with which the client of any model sends a request once.

    pydantic-ai makes a copy of the client for a request that sets `max_retries`. So it is set only where
    `turn_off_retries` was not called, for example for a model that the agent chooses in the middle of a run.
    """
    chosen = ModelSettings(**(settings or {}))
    chosen.pop("max_retries", None)
    client = _client(model)
    if (client is None or client.max_retries) and "max_retries" not in model.unsupported_settings:
        chosen["max_retries"] = 0
    return chosen


def _client(model: Model) -> Any:
    """The client that retries by itself; None if the model has another one, or none. OpenAI, Anthropic and Groq have
    such a client."""
    client = getattr(model, "client", None)
    return client if hasattr(client, "max_retries") else None
