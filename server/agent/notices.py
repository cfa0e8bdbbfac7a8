"""Notices: what the model is told beside the agent's own instructions, and what may change between two requests.

Providers cache a prompt by how it begins. So what may change stands at the end of each request, and never among the
instructions, with which a request begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.profiles import ModelProfile

TAKES_NOTICES = ModelProfile(supports_inline_system_prompts=True)
"""The profile of a scripted model that gets a notice as it is, and not as something that the caller has said."""


class Notices(AbstractCapability[Any]):
    """Adds notices to the end of each request of one run. They do not become part of the history."""

    def __init__(self, sources: Sequence[Callable[[], str]]) -> None:
        """Each source gives a text for the next request; "" is none."""
        self._sources = sources

    async def before_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """pydantic-ai calls this before each request."""
        text = "\n\n".join(filter(None, (source() for source in self._sources)))
        *before, last = request_context.messages
        if text and isinstance(last, ModelRequest):
            notice = SystemPromptPart(text, scope="request")
            request_context.messages = [*before, replace(last, parts=[*last.parts, notice])]
        return request_context


def notice_of(messages: Sequence[ModelMessage]) -> str:
    """The notice of the newest request, as a model with the profile TAKES_NOTICES gets it; "" if there is none."""
    parts = messages[-1].parts
    return "\n\n".join(part.content for part in parts if isinstance(part, SystemPromptPart) and part.scope == "request")
