"""The settings of telephone lines. They are a section of `config.Settings`."""

from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from server.settings_group import SettingsGroup

MIN_SECRET_CHARS = 16
"""A telephone system may try no more than some secrets a second, so this many random characters are enough."""


class Telephony(SettingsGroup):
    """Calls that a telephone system brings. docs/telephony.md says how each kind of system is set up."""

    title: ClassVar[str] = "Telephone lines"

    telephony_secret: SecretStr = SecretStr("")
    """Secret of telephone systems that have no token: at least 16 random characters, given as ?secret=…, as the
    password of Basic authentication, or as a bearer token. Empty: they are admitted as other callers are."""
    telephony_twilio_token: SecretStr = SecretStr("")
    """Auth token of your account at Twilio. It checks the webhook /telephony/twilio/voice, which does not work without,
    and the streams that the webhook asks for."""
    telephony_twilio_account: str = Field("", pattern=r"^(AC[0-9a-f]{32})?$")
    """SID of your account at Twilio (AC…). With it, and the auth token, calls can be transferred."""
    telephony_audiosocket_host: str = "127.0.0.1"
    """Address on which the server listens for AudioSocket, if ANTIPHON_TELEPHONY_AUDIOSOCKET_PORT is set. Whoever
    reaches that port may call, because AudioSocket knows no secret."""
    telephony_audiosocket_port: int = Field(0, ge=0, le=65535)
    """TCP port for the AudioSocket of Asterisk. 0: there is none."""

    @field_validator("telephony_secret")
    @classmethod
    def _long_enough_for_lines(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < MIN_SECRET_CHARS:
            raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters, because it can be guessed otherwise")
        return value
