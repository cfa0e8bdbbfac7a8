"""A group of settings, kept in the file that needs it; `config.Settings` gives it a place in the environment."""

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """Frozen; the text under each field is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
