"""OpenAI's client, spared what it does to every message and tool of every request.

It looks at each field by its type, for names and files to convert, and finds none in what pydantic-ai has made: 16 ms
after fifty exchanges, in one step of the loop, in which no call gets a packet. What is given as `extra_body` it sends
as it is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic_ai.models import Model


def spared(model: Model) -> Model:
    """The same model; one of another provider is left as it is."""
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # here: it takes long to load

    if isinstance(model, OpenAIChatModel):
        _give_apart(model.client.chat.completions, ("messages", "tools"))
    elif isinstance(model, OpenAIResponsesModel):
        _give_apart(model.client.responses, ("input", "tools"))
    return model


def _give_apart(resource: Any, fields: Sequence[str]) -> None:
    create: Callable[..., Awaitable[Any]] = resource.create

    async def create_apart(*, extra_body: Mapping[str, object] | None = None, **body: Any) -> Any:
        apart = {field: body[field] for field in fields if isinstance(body.get(field), list)}
        return await create(**body | {field: [] for field in apart}, extra_body={**apart, **(extra_body or {})})

    resource.create = create_apart
