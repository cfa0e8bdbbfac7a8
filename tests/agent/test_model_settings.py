"""Settings of the model, by the author, the operator and the call: what a provider gets of them on the wire."""

import asyncio
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.settings import ModelSettings

from server.agent.limits import RunLimits
from server.agent.models import check_settings
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.choices import choose_model
from server.config import load
from server.errors import ConfigError
from tests.fakes.providers import Make, chat, claude, responses
from tests.fakes.recording_provider import recording_provider

PLAIN = ModelSettings(temperature=0.3, top_p=0.9, max_tokens=99, parallel_tool_calls=False)


async def sent(
    make: Make, agents: ModelSettings, servers: dict[str, Any] | None = None, calls: ModelSettings | None = None
) -> Any:
    """The body of one request, with the settings of the agent, of the server and of the call."""
    async with recording_provider() as provider:
        model = make(provider.url)
        agent = Agent(model, tools=[now], model_settings=agents)
        limits = RunLimits(model_settings=servers or {})
        async with model.client:
            run = AgentRun(RunSetup(VoiceAgent(agent), limits=limits, model_settings=calls), "hello", list)
            await run.speak(lambda text: None, asyncio.Event())
    return provider.bodies[0]


def now() -> str:
    """Tell the time."""
    return "noon"


def part(body: Any, names: str) -> dict[str, Any]:
    return {name: body.get(name) for name in names.split()}


async def test_openai_gets_the_settings_of_the_agent() -> None:
    """Over both of its APIs, under the names that each has for them."""
    settings = ModelSettings(**PLAIN, seed=7, stop_sequences=["END"], presence_penalty=0.1, frequency_penalty=0.2)
    body = await sent(chat("gpt-4.1-mini"), settings)
    assert part(body, "temperature top_p max_completion_tokens seed stop parallel_tool_calls") == {
        "temperature": 0.3, "top_p": 0.9, "max_completion_tokens": 99, "seed": 7, "stop": ["END"],
        "parallel_tool_calls": False,
    }  # fmt: skip
    assert part(body, "presence_penalty frequency_penalty") == {"presence_penalty": 0.1, "frequency_penalty": 0.2}
    body = await sent(responses("gpt-4.1-mini"), PLAIN)
    assert part(body, "temperature top_p max_output_tokens parallel_tool_calls") == {
        "temperature": 0.3, "top_p": 0.9, "max_output_tokens": 99, "parallel_tool_calls": False,
    }  # fmt: skip


async def test_anthropic_gets_the_settings_of_the_agent() -> None:
    """Under its own names."""
    body = await sent(claude("claude-haiku-4-5"), ModelSettings(temperature=0.3, max_tokens=99, stop_sequences=["END"]))
    assert part(body, "temperature max_tokens stop_sequences") == {
        "temperature": 0.3, "max_tokens": 99, "stop_sequences": ["END"],
    }  # fmt: skip


async def test_how_much_a_model_thinks_can_be_set() -> None:
    """One setting for all providers."""
    low = ModelSettings(thinking="low")
    assert (await sent(chat("gpt-5-mini"), low))["reasoning_effort"] == "low"
    assert (await sent(responses("gpt-5-mini"), low))["reasoning"]["effort"] == "low"


@pytest.mark.parametrize("agents", [ModelSettings(thinking="high"), ModelSettings()])
async def test_a_model_that_thinks_has_room_for_it(agents: ModelSettings) -> None:
    """Anthropic refuses a limit that is smaller than the room for thoughts, so the server's own does not hold."""
    body = await sent(claude("claude-haiku-4-5"), agents, {"thinking": "low"})
    assert body["thinking"]["type"] == "enabled"
    assert 2_000 < body["thinking"]["budget_tokens"] < body["max_tokens"]
    body = await sent(claude("claude-haiku-4-5"), ModelSettings(thinking=False), {"thinking": "low"})
    assert body["max_tokens"] == 2_000


@pytest.mark.parametrize(
    ("agents", "servers", "calls", "temperature"),
    [
        (None, None, None, None),
        (None, 0.1, None, 0.1),
        (0.2, 0.1, None, 0.2),
        (None, 0.1, 0.3, 0.3),
        (0.2, 0.1, 0.3, 0.3),
    ],
)
async def test_the_nearest_setting_wins(
    agents: float | None, servers: float | None, calls: float | None, temperature: float | None
) -> None:
    """That of the call, else the agent's, else the server's."""

    def settings(value: float | None) -> ModelSettings:
        return ModelSettings() if value is None else ModelSettings(temperature=value)

    body = await sent(chat("gpt-4.1-mini"), settings(agents), {**settings(servers)}, settings(calls))
    assert body.get("temperature") == temperature


async def test_the_smallest_limit_of_the_answer_wins() -> None:
    """A server's setting of `max_tokens` is used where the agent has none; ANTIPHON_RUN_ANSWER_TOKENS always holds."""
    name = "max_completion_tokens"
    assert (await sent(chat("gpt-4.1-mini"), ModelSettings(), {"max_tokens": 50}))[name] == 50
    assert (await sent(chat("gpt-4.1-mini"), ModelSettings(max_tokens=9_000), {"max_tokens": 50}))[name] == 2_000


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ('{"temperatur": 1}', "pydantic-ai has no setting 'temperatur' of a model"),
        ("temperature=1", "Expecting value"),
        ("[1]", "valid dictionary"),
    ],
)
def test_a_setting_that_is_none_is_refused(settings: str, why: str) -> None:
    """When the server starts, in one line."""
    with pytest.raises(ConfigError, match=f"ANTIPHON_RUN_MODEL_SETTINGS: .*{why}"):
        choose_model(load(model="test", run_model_settings=settings))


def test_settings_of_one_provider_may_be_set() -> None:
    """They have its name in front."""
    check_settings(["thinking", "cache", "anthropic_cache_messages", "openai_reasoning_effort"])
