"""Models whose messages are sent unconverted send the same requests, without a look at each message."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai._utils._transform as transform
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from server.agent.openai_requests import send_unconverted

HISTORY: list[ModelMessage] = [
    message
    for number in range(20)
    for message in (ModelRequest.user_text_prompt(f"What is {number}?"), ModelResponse(parts=[TextPart("A number.")]))
]


class Provider:
    """A provider that keeps the bodies of its requests and refuses them all."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.url = ""

    async def refuse(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        return web.json_response({"error": {"message": "no"}}, status=400)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.refuse)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/v1"))
        yield found


async def ask(kind: type[OpenAIChatModel | OpenAIResponsesModel], url: str, times: int, **settings: Any) -> None:
    """Ask a model on which `send_unconverted` was called so many times."""
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        model: Model = kind("any", provider=OpenAIProvider(openai_client=client))
        for _ in range(times):
            model = send_unconverted(model)
        agent = Agent(model, instructions="Be brief.", model_settings=ModelSettings(**settings))

        @agent.tool_plain
        def count(things: list[str]) -> int:
            """How many there are."""
            return len(things)

        with pytest.raises(ModelHTTPError):
            await agent.run("And now?", message_history=HISTORY)


@pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel])
@pytest.mark.parametrize("settings", [{}, {"extra_body": {"user": "me"}, "temperature": 0.5}, {"max_retries": 0}])
async def test_the_provider_gets_the_same_request(provider: Provider, kind: Any, settings: dict[str, Any]) -> None:
    """The provider gets the same body from a plain model, and however often the function was called."""
    for times in (0, 1, 2):
        await ask(kind, provider.url, times, **settings)
    plain, once, twice = provider.bodies
    assert len(json.dumps(plain)) > 1_000
    assert once == plain
    assert twice == plain


@pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel])
async def test_no_message_is_looked_at(provider: Provider, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's client looks at far fewer fields than there are messages."""
    looks = 0
    look = transform._async_transform_recursive

    async def counted(*args: Any, **options: Any) -> object:
        nonlocal looks
        looks += 1
        return await look(*args, **options)

    monkeypatch.setattr(transform, "_async_transform_recursive", counted)
    await ask(kind, provider.url, times=0)
    plain, looks = looks, 0
    await ask(kind, provider.url, times=1)
    assert plain > 10 * len(HISTORY), (
        "OpenAI's client no longer looks at each message: send_unconverted has become needless"
    )
    assert looks < plain / 4


def test_other_models_stay_as_they_are() -> None:
    """A model of another provider is returned unchanged."""
    model = TestModel()
    assert send_unconverted(model) is model
