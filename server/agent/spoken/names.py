"""Speech-to-speech models by their names: `realtime:`, and pydantic-ai's name of a realtime model after it."""

from pydantic_ai.realtime import RealtimeModel, infer_realtime_model

from server.agent.extras import how_to_install
from server.errors import ConfigError

PREFIX = "realtime:"


def is_spoken(name: str) -> bool:
    """Whether this is the name of a speech-to-speech model."""
    return name.startswith(PREFIX)


def make_spoken(name: str, url: str = "") -> RealtimeModel:
    """Make the model with this name. `url` is the base URL of a server that speaks OpenAI's Realtime protocol.

    Raises ConfigError with the reason, in one line, when it cannot be made.
    """
    plain = name.removeprefix(PREFIX)
    try:
        if url and plain.startswith("openai:"):
            from pydantic_ai.providers.openai import OpenAIProvider  # not at the top: it takes half a second to import

            return infer_realtime_model(plain, lambda _: OpenAIProvider(base_url=url))
        return infer_realtime_model(plain)
    except ImportError as exc:
        raise ConfigError(f"{name}: {how_to_install(exc, plain.partition(':')[0])}") from exc
    except Exception as exc:  # each provider has its own exception for a missing key
        text = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise ConfigError(f"{name}: {text}") from exc
