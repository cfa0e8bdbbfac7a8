"""What the settings choose is made as calls need it."""

from pathlib import Path

import pytest
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from server.choices import choose_agent, choose_model
from server.config import load

AGENT = """
from pydantic_ai import Agent
from server.agent.voice_agent import VoiceAgent
mine = VoiceAgent(Agent("openai-chat:any"))
"""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


@pytest.mark.parametrize(
    ("name", "kind"), [("openai-chat:any", OpenAIChatModel), ("openai-responses:any", OpenAIResponsesModel)]
)
def test_a_model_by_its_name_is_spared_long_histories(name: str, kind: type[OpenAIChatModel]) -> None:
    model = choose_model(load(model=name))
    assert isinstance(model, kind)
    assert_spared(model)


def test_so_is_the_model_that_an_agent_brings(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    assert_spared(choose_agent(load(agent=f"{tmp_path}/agent.py:mine")).agent.model)


def assert_spared(model: object) -> None:
    """tests/agent/test_spared.py tells what that does."""
    assert isinstance(model, OpenAIChatModel | OpenAIResponsesModel)
    resource = model.client.chat.completions if isinstance(model, OpenAIChatModel) else model.client.responses
    assert "create" in vars(resource)
