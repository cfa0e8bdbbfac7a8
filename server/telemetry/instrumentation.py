"""Instrumentation: what pydantic-ai notes of runs, requests to models, and tools, by the GenAI semantic conventions."""

from typing import Any

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from pydantic_ai.models.instrumented import InstrumentationSettings


def instrumentation(provider: TracerProvider, content: bool) -> InstrumentationSettings:
    """Spans for all agents. With `content` they have what was said and what tools were given and returned.

    The metrics of the conventions are made by `RunMeters`, whether traces are sent or not.
    """
    made = InstrumentationSettings if content else _WithoutMessages
    return made(
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        include_content=content,
        include_binary_content=False,
        include_model_request_parameters=False,
    )


class _WithoutMessages(InstrumentationSettings):
    """Without content, a request would still have a list of its messages with empty places for words. To make it takes
    the longer, the longer the call is, and it tells nothing."""

    def handle_messages(self, *given: Any, **named: Any) -> None:
        """Note nothing of a request's messages."""

    def messages_to_otel_messages(self, *given: Any, **named: Any) -> list[Any]:
        """Note nothing of a run's messages."""
        return []
