"""The settings of webhooks. They are a section of `config.Settings`."""

import re
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from server.sections import List
from server.settings_group import SettingsGroup
from server.webhooks.signature import keys_of
from server.webhooks.types import TYPES

MOST_ENDPOINTS = 8
"""Each has connections and a place in the store of its own."""
_BETWEEN = re.compile(r"[\s,]+(?=https?://)")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:]+(%\w+)?")


class Webhooks(SettingsGroup):
    """What happens in calls is posted to your own systems. docs/webhooks.md describes the events."""

    title: ClassVar[str] = "Webhooks"

    webhook_url: SecretStr = SecretStr("")
    """Addresses to which events of calls are posted, such as https://example.org/calls, separated by commas: at most 8.
    Empty: no events."""
    webhook_secret: SecretStr = Field(SecretStr(""), validate_default=True)
    """Secret that signs the events: whsec_ and at least 24 random bytes in base64, as the Standard Webhooks
    specification has it. Several, separated by commas, sign side by side while you replace one by another. Needed with
    ANTIPHON_WEBHOOK_URL."""
    webhook_events: List = TYPES
    """Which events are posted, separated by commas."""
    webhook_retry_h: float = Field(72.0, gt=0, le=720)
    """Hours for which an event that an address does not take is tried again, with growing pauses. Then it is
    dropped."""
    webhook_timeout_s: float = Field(15.0, gt=0, le=120)
    """Seconds that an address has to take an event."""

    @field_validator("webhook_url")
    @classmethod
    def _web_addresses(cls, value: SecretStr) -> SecretStr:
        urls = addresses(value)
        if len(urls) > MOST_ENDPOINTS:
            raise ValueError(f"must be at most {MOST_ENDPOINTS} addresses")
        if len(set(urls)) < len(urls):
            raise ValueError("has an address twice")
        if not all(map(_is_web_address, urls)):
            raise ValueError("must be http or https addresses, separated by commas")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _keys(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        keys = keys_of(value.get_secret_value())
        if info.data.get("webhook_url", SecretStr("")).get_secret_value() and not keys:
            raise ValueError(
                "is needed with ANTIPHON_WEBHOOK_URL, because receivers must be able to tell events from forgeries: "
                "whsec_ and at least 24 random bytes in base64"
            )
        return value

    @field_validator("webhook_events")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not set(value) <= set(TYPES):
            raise ValueError(f"must be some of {', '.join(TYPES)}")
        return value


def addresses(value: SecretStr) -> tuple[str, ...]:
    """The addresses in ANTIPHON_WEBHOOK_URL. A comma within an address, in front of anything but another address, is a
    part of it."""
    return tuple(part for part in _BETWEEN.split(value.get_secret_value().strip().strip(",")) if part)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and _HOST.fullmatch(host) is not None and parts.port != 0
    except ValueError:
        return False
