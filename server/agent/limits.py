"""How long a caller waits for a mind."""

from server.settings_group import SettingsGroup


class RunLimits(SettingsGroup):
    """The limits of one answer."""

    first_token_s: float = 8.0
    """Hosted models mostly begin within 2 s; after 8 s of silence a caller thinks that the line is dead."""
    between_tokens_s: float = 4.0
    """A stream that stalls so long has died: provider SDKs wait for minutes."""
    tools_s: float = 15.0
    """All tools of one step."""
    requests: int = 6
    """Model requests in one answer: a model that calls tools in circles ends here."""
