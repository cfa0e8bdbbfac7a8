"""Real models of providers, with the real clients of their packages, which ask a server of the test.

Anthropic's package is imported when a test wants it: that takes longer than importing all of this repository.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from server.agent.models import prepare

if TYPE_CHECKING:
    from pydantic_ai.models.anthropic import AnthropicModel

    Hosted = OpenAIChatModel | OpenAIResponsesModel | AnthropicModel

Make = Callable[[str], "Hosted"]
"""Makes a model that asks the server at an address, such as http://127.0.0.1:8000/v1."""


def chat(name: str) -> Make:
    """Over OpenAI's Chat Completions."""

    def make(url: str) -> "Hosted":
        client = AsyncOpenAI(base_url=url, api_key="none")
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))

    return make


def compatible(name: str) -> Make:
    """As the settings make a model: of a server that is not OpenAI's."""

    def make(url: str) -> "Hosted":
        model = chat(name)(url)
        prepare(model)
        return model

    return make


def responses(name: str) -> Make:
    """Over OpenAI's Responses API."""

    def make(url: str) -> "Hosted":
        client = AsyncOpenAI(base_url=url, api_key="none")
        return OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=client))

    return make


def claude(name: str) -> Make:
    """Over Anthropic's messages."""

    def make(url: str) -> "Hosted":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = AsyncAnthropic(base_url=url.removesuffix("/v1"), api_key="none")
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))

    return make
