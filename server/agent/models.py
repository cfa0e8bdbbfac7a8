"""Models by their names, which are pydantic-ai's: `provider:model`."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import get_args
from urllib.parse import urlsplit

from pydantic_ai.models import KnownModelName, Model, infer_model
from pydantic_ai.profiles import ModelProfile, merge_profile
from pydantic_ai.settings import ModelSettings

from server.agent.client_retries import turn_off_retries
from server.agent.extras import how_to_install
from server.agent.openai_requests import send_unconverted
from server.agent.openai_streams import number_calls
from server.errors import ConfigError

FORMER = {"google-gla": "google", "google-vertex": "google-cloud", "grok": "xai"}
"""Providers that pydantic-ai called otherwise in former versions."""
_VARIABLE = re.compile(r"^Set the (.+?) environment variables?\b")
"""How it names the variable that has the key or the address of a provider."""
_OPENAI_HOSTS = ("openai.com", "azure.com")
"""Whose servers have OpenAI's own models."""


def make_model(name: str) -> Model:
    """Make the model with this name. Raises ConfigError with the reason, in one line, when it cannot be made."""
    if name.partition(":")[1:] == (":", ""):
        raise ConfigError(f"{name}: names a provider and no model; write {name}the-model")
    try:
        model = infer_model(name)
    except Exception as exc:  # each provider has its own exception for a missing key or package
        raise ConfigError(f"{name}: {_reason(name, exc)}") from exc
    return prepare(model)


def check_settings(settings: Iterable[str]) -> None:
    """Raises ConfigError when pydantic-ai has no setting of a model with one of these names.

    A setting of one provider has that provider's name in front, such as `anthropic_cache`. It is not looked up.
    """
    for name in settings:
        if name not in ModelSettings.__annotations__ and name.partition("_")[0] not in _providers():
            raise ConfigError(f"pydantic-ai has no setting {name!r} of a model")


def prepare(model: Model) -> Model:
    """Make the model fit for calls; returns it. Calling this twice does no harm."""
    return _keep_system_prompts_first(turn_off_retries(number_calls(send_unconverted(model))))


def _reason(name: str, exc: Exception) -> str:
    """Why there is no model with this name, in one line."""
    text = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
    provider = name.partition(":")[0].removeprefix("gateway/")
    if isinstance(exc, ImportError):
        return how_to_install(exc, provider)
    if found := _VARIABLE.match(text):
        return f"set {found[1].replace('`', '')} in the environment"
    return _unknown(name) if text.startswith("Unknown model") else text


def _unknown(name: str) -> str:
    """What is wrong with a name that pydantic-ai does not know."""
    provider, _, model = name.partition(":")
    if not model:
        same = [known for known in _known_models() if known.endswith(f":{name}")]
        example = min(same, key=len, default="openai:gpt-5-mini")
        return f"write the provider before the model, as in {example}"
    meant = FORMER.get(provider) or next(iter(get_close_matches(provider, _providers(), 1)), "")
    return f"there is no provider {provider!r}" + (f"; did you mean {meant}:{model}?" if meant else "")


@cache
def _known_models() -> tuple[str, ...]:
    """Models of which pydantic-ai knows the names. There are others, of the same and of other providers."""
    return get_args(KnownModelName.__value__)


def _providers() -> list[str]:
    """The providers of these models."""
    return sorted({name.partition(":")[0] for name in _known_models()})


def _keep_system_prompts_first(model: Model) -> Model:
    """Have an OpenAI-compatible server get instructions in the middle of a conversation as a text of the user.

    pydantic-ai takes a server for OpenAI's when only its address is another. Many models that people run themselves
    refuse a system message that is not the first one, and so also a second one that explains such texts.
    """
    if type(model).__name__ == "OpenAIChatModel" and not _is_openai(model.base_url or ""):
        one = ModelProfile(supports_inline_system_prompts=False, default_framing_announcement="never")
        model.profile = merge_profile(model.profile, one)
    return model


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return any(host == each or host.endswith(f".{each}") for each in _OPENAI_HOSTS)
