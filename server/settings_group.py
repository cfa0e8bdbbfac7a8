"""A group of settings, kept in the file that uses them; `config.Settings` gives it a place in the environment."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """Frozen. The text under each field is its help text."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)

    title: ClassVar[str]
    """The heading over these settings in the help of the command line and in docs/settings.md."""
