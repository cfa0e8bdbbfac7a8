"""How long a caller waits for a mind, and how much of the call that is given."""

from pydantic import PositiveFloat, PositiveInt

from server.settings_group import SettingsGroup


class RunLimits(SettingsGroup):
    """The limits of one answer."""

    first_token_s: PositiveFloat = 8.0
    """Hosted models mostly begin within 2 s; after 8 s of silence a caller thinks that the line is dead."""
    between_tokens_s: PositiveFloat = 4.0
    """A stream that stalls so long has died: provider SDKs wait for minutes."""
    tools_s: PositiveFloat = 15.0
    """All tools of one step."""
    requests: PositiveInt = 6
    """Model requests in one answer: a model that calls tools in circles ends here."""
    history_chars: PositiveInt = 100_000
    """What a model is given of the call so far: 25,000 tokens, two hours of talk. The older half is forgotten first."""
