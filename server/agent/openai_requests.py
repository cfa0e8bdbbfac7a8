"""Requests to OpenAI's API, without the conversion that OpenAI's client makes of every message and tool.

The client walks through every message and tool of every request and looks at the type of each field, for names and
files to convert. It finds none in what pydantic-ai has made. After fifty exchanges that takes 16 ms, in one step of the
event loop, during which no call gets a packet. The client sends what it is given as `extra_body` without looking at it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic_ai.models import Model


def send_unconverted(model: Model) -> Model:
    """Have the model send its messages and tools unconverted; returns the model.

    The provider gets the same requests as before. A model of another provider is returned unchanged. Calling this twice
    does no harm.
    """
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # not at the top: it loads slowly

    if isinstance(model, OpenAIChatModel):
        _send_as_extra_body(model.client.chat.completions, ("messages", "tools"))
    elif isinstance(model, OpenAIResponsesModel):
        _send_as_extra_body(model.client.responses, ("input", "tools"))
    return model


def _send_as_extra_body(resource: Any, fields: Sequence[str]) -> None:
    """Replace `create` of a client's resource by one that moves the fields, where they are lists, to `extra_body`."""
    create: Callable[..., Awaitable[Any]] = resource.create

    async def create_with_extra_body(*, extra_body: Mapping[str, object] | None = None, **body: Any) -> Any:
        moved = {field: body[field] for field in fields if isinstance(body.get(field), list)}
        return await create(**body | {field: [] for field in moved}, extra_body={**moved, **(extra_body or {})})

    resource.create = create_with_extra_body
