"""Models by name: all that pydantic-ai knows can be named, and each reason why one cannot be used is one clear line."""

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic_ai.models import KnownModelName

from server.agent.models import make_model
from server.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
PROVIDERS = sorted({name.partition(":")[0] for name in get_args(KnownModelName.__value__)} - {"test"})
INSTALL = re.compile(r'a package is missing; install it with pip install "antiphon\[([\w-]+)\]"')


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys and addresses of providers in the environment."""
    for name in os.environ:
        if name.endswith(("_API_KEY", "_BASE_URL", "_REGION", "_TOKEN")):
            monkeypatch.delenv(name)


def reason(name: str) -> str:
    with pytest.raises(ConfigError) as raised:
        make_model(name)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai:gpt-5-mini", "openai:gpt-5-mini: set OPENAI_API_KEY in the environment"),
        ("anthropic:any", "anthropic:any: set ANTHROPIC_API_KEY in the environment"),
        ("openrouter:any/any", "openrouter:any/any: set OPENROUTER_API_KEY in the environment"),
        ("ollama:qwen3", "ollama:qwen3: set OLLAMA_BASE_URL in the environment"),
        ("opnai:gpt-5", "opnai:gpt-5: there is no provider 'opnai'; did you mean openai:gpt-5?"),
        ("google-gla:any", "google-gla:any: there is no provider 'google-gla'; did you mean google:any?"),
        ("nobody:any", "nobody:any: there is no provider 'nobody'"),
        ("openai:", "openai:: names a provider and no model; write openai:the-model"),
        ("any", "any: write the provider before the model, as in openai:gpt-5-mini"),
        ("claude-haiku-4-5", "claude-haiku-4-5: write the provider before the model, as in .*:claude-haiku-4-5"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, says: str) -> None:
    """It names the model, and what to do."""
    assert re.fullmatch(says.replace("?", r"\?"), reason(name))


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("google:gemini-2.5-flash", "google.genai", "google"),
        ("groq:any", "groq", "groq"),
        ("mistral:any", "mistralai", "mistral"),
        ("bedrock:any", "boto3", "bedrock"),
        ("cohere:any", "cohere", "cohere"),
        ("xai:any", "xai_sdk", "xai"),
        ("huggingface:any", "httpx", "huggingface"),
        ("gateway/groq:any", "groq", "groq"),
    ],
)
def test_a_missing_package_is_named_by_its_extra(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("PYDANTIC_AI_GATEWAY_API_KEY", "pylf_v1_us_none")
    assert reason(name) == f'{name}: a package is missing; install it with pip install "antiphon[{extra}]"'


@pytest.mark.filterwarnings("ignore:`GitHubProvider` is deprecated")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_can_be_used_or_says_what_is_missing(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pydantic-ai knows is known here. What has to be installed is an extra of this package."""
    monkeypatch.setenv("PYDANTIC_AI_GATEWAY_API_KEY", "pylf_v1_us_none")
    said = ""
    try:
        make_model(f"{provider}:any")
    except ConfigError as exc:
        said = str(exc)
    assert "there is no provider" not in said
    assert "\n" not in said
    if found := INSTALL.search(said):
        assert found[1] in extras()


def extras() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    return {name: packages for name, packages in found.items() if name != "cluster"}  # no provider


def test_the_extras_are_those_of_pydantic_ai() -> None:
    """Under their own names."""
    assert all(packages == [f"pydantic-ai-slim[{extra}]"] for extra, packages in extras().items())


@pytest.mark.parametrize(("address", "inline"), [("", True), ("http://127.0.0.1:11434/v1", False)])
def test_a_compatible_server_gets_no_system_message_in_the_middle(
    address: str, inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many models that people run themselves refuse it."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    if address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
    assert make_model("openai-chat:any").profile.get("supports_inline_system_prompts") is inline


def documented() -> list[tuple[str, str, str]]:
    """The rows of docs/providers.md: a model, what it needs in the environment, and its extra."""
    text = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in text.splitlines() if line.startswith("| ")]
    return [(model.strip("`"), needs, extra.strip("`")) for model, needs, extra in rows[1:] if "…" not in model]


@pytest.mark.parametrize(("name", "needs", "extra"), documented())
def test_the_table_of_providers_is_true(name: str, needs: str, extra: str) -> None:
    """What is missing is what the table names."""
    said = reason(name)
    if found := INSTALL.search(said):
        assert found[1] == extra
    elif not extra:
        assert any(variable in said for variable in re.findall(r"`([A-Z_]+)`", needs))


def test_each_extra_is_documented() -> None:
    """With the provider that needs it."""
    others = {"mcp", "bedrock-mantle", "typesafe", "google-realtime"}
    assert {extra for _, _, extra in documented() if extra} == extras().keys() - others
