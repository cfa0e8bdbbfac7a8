"""Providers cache a prompt by how it begins. So each request of a call begins as the one before it, byte by byte."""

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.settings import ModelSettings

from server.agent.limits import NoMeter
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from tests.fakes.providers import Make, chat, claude, compatible, responses
from tests.fakes.recording_provider import recording_provider

MODELS = {
    "chat": chat("gpt-5-mini"),
    "compatible": compatible("gpt-5-mini"),
    "responses": responses("gpt-5-mini"),
    "older claude": claude("claude-haiku-4-5"),
    "newer claude": claude("claude-opus-4-8"),
}


END = "Come to an end."
TURNS = [
    ("hello", "", ""),
    ("where and when", "", ""),
    ("auf Deutsch bitte", "de", ""),
    ("wo bist du", "de", ""),
    ("danke", "de", END),
]
"""What the caller says, in which language the call is then held, and the notice that it has to end."""


class Meter(NoMeter):
    notice = ""


async def prompts(make: Make, settings: ModelSettings) -> list[Any]:
    """The bodies of the requests of a call, in which the language changes, and near whose end the model is told so."""
    meter, language, history = Meter(), "", list[ModelMessage]()
    committed = asyncio.Event()
    committed.set()
    async with recording_provider("", "where", "when", "", "", "", "where") as provider:
        model = make(provider.url)
        agent = Agent(model, instructions="You answer the phone.", system_prompt="Be brief.", model_settings=settings)
        for name in ("when", "where", "who"):
            agent.tool_plain(lambda: "here and now", name=name, description=f"Tells {name}.")
        setup = RunSetup(VoiceAgent(agent), meter=meter, language=lambda: language)
        async with model.client:
            for words, language, meter.notice in TURNS:  # noqa: B007  # `language` is read by the setup
                run = AgentRun(setup, words, history.copy)
                await run.speak(lambda text: None, committed)
                history.extend(run.messages())
    return provider.bodies


def head(body: Any) -> str:
    """All that comes before the conversation, or holds for the whole request."""
    return json.dumps({name: value for name, value in body.items() if name not in ("messages", "input")})


def conversation(body: Any) -> Iterator[str]:
    """What was said, piece by piece, whether a message has one piece or a list of them."""
    for message in body.get("messages") or body["input"]:
        content = message.get("content")
        for block in content if isinstance(content, list) else [content]:
            piece = {"text": block, "type": "text"} if isinstance(block, str) else block
            piece = {name: value for name, value in (piece or {}).items() if name != "cache_control"}
            yield json.dumps([{**message, "content": None}, piece], sort_keys=True)


def lasting(body: Any) -> list[str]:
    """The conversation without the notice that ends this request."""
    pieces = list(conversation(body))
    return [piece for piece in pieces if "BCP 47" not in piece and END not in piece]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
async def test_each_request_begins_as_the_one_before_it(make: Make) -> None:
    """Tools, instructions and history stay as they are. What changes in a call stands at the end of the request."""
    bodies = await prompts(make, ModelSettings(framing_announcement="always", max_tokens=200))
    assert len(bodies) == 8
    for earlier, later in pairwise(bodies):
        assert head(later) == head(earlier)
        assert lasting(earlier) == list(conversation(later))[: len(lasting(earlier))]
    told = [list(conversation(body))[-1] for body in bodies]
    assert ["tag de:" in text for text in told] == [False] * 4 + [True] * 4
    assert [END in text for text in told] == [False] * 6 + [True] * 2
    assert [len(lasting(body)) for body in bodies] == sorted(len(lasting(body)) for body in bodies)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
async def test_the_instructions_change_at_most_once(make: Make) -> None:
    """Without `framing_announcement`, some models are told with the first notice what notices look like."""
    heads = [head(body) for body in await prompts(make, ModelSettings(max_tokens=200))]
    assert sum(one != other for one, other in pairwise(heads)) <= 1


OWN_MARKERS: Any = {f"anthropic_cache_{part}": True for part in ("tool_definitions", "instructions", "messages")}


async def test_a_compatible_server_gets_no_more_system_messages() -> None:
    """Many models refuse a system message that is not the first one. The agent's own are there, and no others."""
    for body in await prompts(MODELS["compatible"], ModelSettings()):
        own, others = body["messages"][:2], body["messages"][2:]
        assert [message["content"] for message in own] == ["Be brief.", "You answer the phone."]
        assert "system" not in [message["role"] for message in others]


@pytest.mark.parametrize("name", ["older claude", "newer claude"])
@pytest.mark.parametrize("settings", [ModelSettings(cache=True), OWN_MARKERS], ids=["cache", "anthropic_cache"])
async def test_cache_markers_can_be_set(name: str, settings: ModelSettings) -> None:
    """They stand at the end of the tools, of the instructions and of the conversation, and never at a notice, because
    no later request has it."""
    for body in await prompts(MODELS[name], settings):
        assert "cache_control" in body["tools"][-1]
        assert "cache_control" in body["system"][-1]
        marked = [block for message in body["messages"] for block in message["content"] if "cache_control" in block]
        assert marked or "cache_control" in body
        assert not any(END in str(block) or "BCP 47" in str(block) for block in marked)


async def test_nothing_is_marked_unasked() -> None:
    """What a provider writes into its cache costs more."""
    bodies = await prompts(MODELS["older claude"], ModelSettings())
    assert "cache_control" not in json.dumps(bodies)
