"""The limits of one answer: how long a caller waits for the model and its tools, and how much the model is given."""

from pydantic import PositiveFloat, PositiveInt

from server.settings_group import SettingsGroup


class RunLimits(SettingsGroup):
    """The limits of one answer."""

    first_token_s: PositiveFloat = 8.0
    """How long the first token may take before the answer fails. Hosted models mostly begin within 2 s; after 8 s of
    silence a caller thinks that the line is dead."""
    between_tokens_s: PositiveFloat = 4.0
    """How long the stream may pause between tokens before the answer fails. A stream that stalls for longer has died,
    and provider SDKs would wait for minutes."""
    tools_s: PositiveFloat = 15.0
    """How long all tools of one step may take together before the answer fails."""
    requests: PositiveInt = 6
    """How many model requests one answer may make. It ends a model that calls tools in circles."""
    history_chars: PositiveInt = 100_000
    """How many characters of the call so far the model is given: 25,000 tokens, two hours of talk. When there are more,
    the older half is left out."""
