"""SpokenSettings: how speech-to-speech models are used."""

from typing import ClassVar

from pydantic import PositiveFloat

from server.settings_group import SettingsGroup


class SpokenSettings(SettingsGroup):
    """Models that hear and speak themselves (`realtime:` in ANTIPHON_MODEL)."""

    title: ClassVar[str] = "Speech-to-speech"

    url: str = ""
    """Base URL of a server that speaks OpenAI's Realtime protocol, such as http://127.0.0.1:8000/v1, for models with
    names that begin with realtime:openai. Empty: that of OPENAI_BASE_URL, or else OpenAI's own."""
    voice: str = ""
    """The voice of the model, as its provider names it. Empty: the provider's default."""
    session_min: PositiveFloat = 25.0
    """Minutes after which the session at the provider is renewed, when nobody speaks. The new one begins with the
    history of the call. OpenAI ends a session after 60 minutes; others do so sooner, and then it is renewed, too."""
