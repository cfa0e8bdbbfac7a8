"""The agent and the model that the settings choose, and what the operator reads when they cannot be used."""

import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from server.agent.voice_agent import VoiceAgent
from server.call.options import CallOptions, Patience
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings
from server.call.turns.patience import endpoint_of, overlap_of
from server.choices import (
    call_settings,
    check_choice,
    choose_agents,
    choose_fallbacks,
    choose_model,
    choose_spoken,
)
from server.config import Settings, load
from server.errors import ConfigError, PeerError

AGENT = """
from pydantic_ai import Agent
from server.agent.voice_agent import VoiceAgent
mine = VoiceAgent(Agent("openai-chat:any"))
"""


def first_agent(settings: Settings) -> VoiceAgent:
    agents = choose_agents(settings)
    return agents[agents.first]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


@pytest.mark.parametrize(
    ("name", "kind"), [("openai-chat:any", OpenAIChatModel), ("openai-responses:any", OpenAIResponsesModel)]
)
def test_the_model_of_the_settings_sends_messages_unconverted(name: str, kind: type[OpenAIChatModel]) -> None:
    """A long history does not stop the event loop, whichever of OpenAI's APIs the name chooses."""
    model = choose_model(load(model=name))
    assert isinstance(model, kind)
    assert_sends_unconverted(model)


def test_the_own_model_of_an_agent_sends_messages_unconverted(tmp_path: Path) -> None:
    """A model that the agent's file names is made like one of the settings."""
    (tmp_path / "agent.py").write_text(AGENT)
    assert_sends_unconverted(first_agent(load(agent=f"{tmp_path}/agent.py:mine")).agent.model)


def test_several_models_are_asked_one_after_the_other() -> None:
    """The first one may be the agent's own. The client of none of them tries again by itself."""
    settings = load(model="openai-chat:a, openai-responses:b,openai-chat:c")
    models = [choose_model(settings), *choose_fallbacks(settings)]
    assert [model.model_name for model in models if model is not None] == ["a", "b", "c"]
    for model in models:
        assert_sends_unconverted(model)
    assert choose_model(load(model="auto,test")) is None
    assert len(choose_fallbacks(load(model="auto,test"))) == 1
    assert choose_fallbacks(load()) == ()


@pytest.mark.parametrize("names", ["", "test,auto", "test,demo"])
def test_a_list_of_models_that_makes_no_sense_is_refused(names: str) -> None:
    """The agent's own model is asked first or not at all."""
    with pytest.raises(ConfigError, match="ANTIPHON_MODEL"):
        choose_fallbacks(load(model=names))


def test_a_model_that_speaks_itself_comes_before_those_for_words() -> None:
    """Behind it stand the named models, or else the agent's own. A call may choose one that is allowed."""
    settings = load(model="realtime:openai:gpt-realtime,openai-chat:a", allowed_models="realtime:openai:other")
    spoken, words = choose_spoken(settings), choose_model(settings)
    assert spoken is not None
    assert words is not None
    assert (spoken.model_name, words.model_name) == ("gpt-realtime", "a")
    assert choose_fallbacks(settings) == ()
    chosen = choose_spoken(settings, "realtime:openai:other")
    assert chosen is not None
    assert chosen.model_name == "other"
    check_choice(settings, "realtime:openai:other")
    with pytest.raises(PeerError):
        check_choice(settings, "realtime:openai:gpt-realtime")
    assert choose_model(load(model="realtime:openai:gpt-realtime")) is None
    assert choose_spoken(load(model="openai-chat:a")) is None


def test_the_server_of_a_model_that_speaks_itself_may_be_any() -> None:
    """A server that speaks OpenAI's Realtime protocol is found by its URL."""
    spoken = choose_spoken(load(model="realtime:openai:any", spoken_url="http://127.0.0.1:9/v1"))
    assert spoken is not None
    assert spoken.base_url == "http://127.0.0.1:9/v1/"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("realtime:nobody:x", "Unknown realtime model provider"),
        ("realtime:openai", "provider:model"),
        ("test,realtime:openai:gpt-realtime", "only the first"),
    ],
)
def test_a_wrong_name_of_a_model_that_speaks_itself_is_explained(names: str, reason: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(ConfigError, match=f"ANTIPHON_MODEL.*{reason}"):
        choose_spoken(load(model=names)), choose_model(load(model=names))


OTHERS = """
from pydantic_ai import Agent
from pydantic_ai.capabilities import SelectModel
from pydantic_ai.models.test import TestModel
from server.agent.voice_agent import VoiceAgent
none = VoiceAgent(Agent())
selected = VoiceAgent(Agent(capabilities=[SelectModel(lambda context: TestModel())]))
named = VoiceAgent(Agent("openai-chat:any", defer_model_check=True))
unknown = VoiceAgent(Agent("nobody:any", defer_model_check=True))
numbers = VoiceAgent(Agent("test", output_type=int))
hasty = VoiceAgent(Agent("test"), patience="hasty")
either = VoiceAgent(Agent("test", output_type=[str, int]))
union = VoiceAgent(Agent("test", output_type=str | int))
def count(text: str) -> int: return len(text)
counts = VoiceAgent(Agent("test", output_type=[str, count]))
def shout(text: str) -> str: return text.upper()
shouts = VoiceAgent(Agent("test", output_type=shout))
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none", "has no model"),
        ("unknown", "nobody:any: there is no provider 'nobody'"),
        ("numbers", "is not text"),
        ("counts", "the output_type of 'counts' .* has count, which returns no text"),
        ("hasty", "the patience of .*:hasty must be one of quick, normal, patient"),
    ],
)
def test_an_agent_that_cannot_answer_is_refused(tmp_path: Path, name: str, why: str) -> None:
    """The operator reads what is missing at the start, before any caller hears an apology."""
    (tmp_path / "agent.py").write_text(OTHERS)
    with pytest.raises(ConfigError, match=f"ANTIPHON_AGENT: .*{why}"):
        first_agent(load(agent=f"{tmp_path}/agent.py:{name}"))


@pytest.mark.parametrize("name", ["selected", "named", "either", "union", "shouts"])
def test_an_agent_that_can_answer_is_taken(tmp_path: Path, name: str) -> None:
    """Its model may be chosen in the run, or only named, and it may have other outputs beside text."""
    (tmp_path / "agent.py").write_text(OTHERS)
    agent = first_agent(load(agent=f"{tmp_path}/agent.py:{name}"))
    assert not isinstance(agent.agent.model, str)


def test_an_agent_without_a_model_answers_with_that_of_the_settings() -> None:
    """The example agent has no model of its own."""
    pizzeria = Path(__file__).parent.parent / "examples" / "pizzeria.py"
    assert first_agent(load(agent=f"{pizzeria}:agent", model="test")).name == "Pizzeria"


def test_an_agent_may_import_what_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger agent has more than one file; imports work as in a script."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "name_of_the_shop.py").write_text("SHOP = 'Napoli'")
    (tmp_path / "agent.py").write_text(
        AGENT.replace("mine =", "from name_of_the_shop import SHOP\nmine =").replace('any")', 'any"), name=SHOP')
    )
    assert first_agent(load(agent=f"{tmp_path}/agent.py:mine")).name == "Napoli"


@pytest.mark.parametrize(
    ("call", "agent", "server", "chosen"),
    [
        ("quick", "patient", "patient", "quick"),
        ("normal", "patient", "patient", "normal"),
        ("", "patient", "quick", "patient"),
        ("", "", "quick", "quick"),
        ("", "", None, "normal"),
    ],
)
def test_the_patience_of_a_call_is_its_own_else_the_agents_else_the_servers(
    call: Literal["", "quick", "normal"], agent: Literal["", "patient"], server: str | None, chosen: Patience
) -> None:
    """The choice that is nearest to the call wins."""
    who = VoiceAgent(Agent("test"), patience=agent)
    made = call_settings(load(patience=server), who, CallOptions(patience=call))
    assert made.endpoint == endpoint_of(chosen, EndpointSettings())
    assert made.overlap == overlap_of(chosen, OverlapSettings())


def test_a_threshold_that_is_set_by_itself_wins_over_every_patience() -> None:
    """The operator's own figure stays, and the patience changes the others."""
    settings = load(endpoint_open_ms="900", overlap_words="5", patience="quick")
    who = VoiceAgent(Agent("test"), patience="patient")
    made = call_settings(settings, who, CallOptions())
    assert (made.endpoint.open_ms, made.overlap.words) == (900, 5)
    assert made.endpoint.complete_ms > EndpointSettings().complete_ms
    assert made.overlap.words_ms > OverlapSettings().words_ms


def test_settings_of_a_call_come_from_the_settings() -> None:
    """What patience does not touch reaches the call under its own name."""
    given = {"idle_prompt_s": "3", "idle_prompts": "4", "resume_s": "5", "run_tools_s": "6", "voicing_start_ms": "80"}
    given |= {"longest_call_min": "7", "budget_requests": "8", "failed_turns": "9"}
    made = call_settings(load(**given), VoiceAgent(Agent("test")), CallOptions())
    assert (made.idle_prompt_s, made.idle_prompts, made.resume_s, made.longest_call_min) == (3, 4, 5, 7)
    assert made.failed_turns == 9
    assert (made.run.tools_s, made.voicing.start_ms, made.budget.requests) == (6, 80, 8)


def assert_sends_unconverted(model: object) -> None:
    """tests/agent/test_openai_requests.py and tests/agent/test_providers.py test what this does to requests."""
    assert isinstance(model, OpenAIChatModel | OpenAIResponsesModel)
    resource = model.client.chat.completions if isinstance(model, OpenAIChatModel) else model.client.responses
    assert "create" in vars(resource)
    assert model.client.max_retries == 0
