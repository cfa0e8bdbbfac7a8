"""Settings: every limit and default that an operator can change. Only this file reads the environment.

A setting is given as `ANTIPHON_NAME` in the environment or in the file `.env`, or as `--name` on the command line. The
command line wins over the environment, and the environment over the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from server.access_section import Access
from server.cluster_section import Cluster
from server.errors import ConfigError
from server.operations_section import Operations
from server.sections import (
    Answering,
    Conversations,
    Limits,
    Media,
    Serving,
    Speech,
    TurnTaking,
)
from server.settings_group import SettingsGroup
from server.telephony_section import Telephony
from server.variables import current_names, named, variable
from server.webhook_section import Webhooks

ENV_FILE = Path(".env")
"""Looked for in the directory in which the server is started."""


class Settings(
    Serving, Access, Telephony, Media, Speech, Answering, Conversations, Webhooks, TurnTaking, Limits, Operations,
    Cluster,
):  # fmt: skip
    """All settings of the server: the fields of its sections."""


SECTIONS: tuple[type[SettingsGroup], ...] = (
    Serving, Access, Telephony, Media, Speech, Answering, Conversations, Webhooks, TurnTaking, Limits, Operations,
    Cluster,
)  # fmt: skip
"""In the order in which people read them."""
ESSENTIAL = (
    "host",
    "port",
    "access",
    "access_secret",
    "access_jwks",
    "agent",
    "model",
    "stt",
    "stt_url",
    "tts",
    "tts_url",
    "patience",
    "max_calls",
    "store",
    "keep_days",
    "recordings_dir",
    "admin_token",
    "allowed_origins",
    "trusted_proxies",
    "public_address",
    "media_addresses",
    "turn_urls",
    "turn_secret",
    "log_level",
)
"""The settings that most people need, in the order of the README."""


@dataclass(frozen=True, slots=True)
class Described:
    """One setting for a reader: `name` is that of the option, `variable` that of the environment."""

    name: str
    default: str
    help: str
    many: bool
    """The setting is a list, so its option may be given several times."""
    group: type[SettingsGroup]
    """The section, or the group within a section, under whose heading it stands."""

    @property
    def variable(self) -> str:
        return variable(self.name)


@cache
def described() -> tuple[Described, ...]:
    """Every setting, section by section. A setting of a nested group has the group's name before its own."""
    return tuple(setting for section in SECTIONS for setting in _described(section))


@cache
def essential() -> tuple[Described, ...]:
    """The settings that most people need."""
    by_name = {setting.name: setting for setting in described()}
    return tuple(by_name[name] for name in ESSENTIAL)


def _described(group: type[SettingsGroup], prefix: str = "") -> Iterator[Described]:
    for name, field in group.model_fields.items():
        if isinstance(field.default, SettingsGroup):
            yield from _described(type(field.default), f"{name}_")
        else:
            help_text = " ".join((field.description or "").split())
            many = isinstance(field.default, tuple)
            yield Described(prefix + name, _written(field.default), help_text, many, group)


def _written(default: object) -> str:
    """A default as an operator would write it."""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return ",".join(default) if isinstance(default, tuple) else str(default)


def load(**given: object) -> Settings:
    """Settings from `given`, else the environment, else `.env`. Raises ConfigError that names the setting or `.env`."""
    known = {setting.name for setting in described()}
    values: dict[str, object] = {
        **named(_env_file(), known),
        **named(os.environ, known),
        **current_names({name: value for name, value in given.items() if value is not None}),
    }
    try:
        return Settings(**_grouped(values))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise ConfigError(f"{variable(name)}: {first['msg'].removeprefix('Value error, ')}") from exc


def otel_variables() -> dict[str, str]:
    """OpenTelemetry's own variables, from the environment, else from `.env`. The SDK looks for them in the environment,
    so they are put there as they are meant: without spaces around them, and not at all if they are empty. Raises
    ConfigError."""
    found = {name: value for name, value in variables().items() if name.startswith("OTEL_")}
    given = {name: value.strip() for name, value in found.items() if value.strip()}
    for name in found.keys() - given.keys():
        os.environ.pop(name, None)
    os.environ.update(given)
    return given


def variables() -> dict[str, str]:
    """All variables of the environment and of `.env`, whether they are settings or not. Raises ConfigError."""
    return {name: value for name, value in _env_file().items() if value is not None} | dict(os.environ)


def _env_file() -> dict[str, str | None]:
    try:
        return dotenv_values(ENV_FILE) if ENV_FILE.is_file() else {}
    except (OSError, UnicodeError) as exc:
        raise ConfigError(f".env cannot be read: {exc}") from exc


def _grouped(values: dict[str, object]) -> dict[str, Any]:
    """`endpoint_open_ms` → `endpoint`: {`open_ms`}. `endpoint_model` is a setting itself, and stays one."""
    grouped: dict[str, Any] = {}
    for name, value in values.items():
        group, _, rest = name.partition("_")
        if name not in Settings.model_fields and group in Settings.model_fields:
            grouped.setdefault(group, {})[rest] = value
        else:
            grouped[name] = value
    return grouped
