"""The settings of who may call. They are a section of `config.Settings`."""

import re
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from server.settings_group import SettingsGroup

MIN_SECRET_CHARS = 32
"""How long a secret has to be: as long as the hash that it makes (RFC 7518, section 3.2). A shorter one can be guessed
from one token, without asking the server."""
_VISIBLE = re.compile(r"[!-~]*")


class Access(SettingsGroup):
    """Who may call. docs/access.md says how a backend makes tokens for its users."""

    title: ClassVar[str] = "Access"

    access: Literal["", "open", "token"] = ""
    """Who may call: open (everybody who reaches the server) or token (who has a token that your backend has signed).
    Empty: token if there is a secret or a key set below; otherwise open, but only where nobody but this machine reaches
    the server. A server that others reach has to be told."""
    access_secret: SecretStr = SecretStr("")
    """Secret that signs the tokens of callers (HS256): at least 32 random characters, which only your backend and this
    server know."""
    access_jwks: str = ""
    """Public keys of whoever signs the tokens of callers, as a JSON Web Key Set: the path of a file, or an https
    address. RSA, EC and Ed25519 keys verify by their own algorithms."""
    access_audience: str = ""
    """What the tokens of callers have to name as their audience (aud). Empty: tokens that name one are refused."""
    access_issuer: str = ""
    """What the tokens of callers have to name as their issuer (iss). Empty: any."""
    access_token_url: str = ""
    """Address of your backend at which this server's page asks for a token before each call: a path such as /token, or
    an https address. It answers a POST with JSON such as {"token": "…"}."""
    sip_users: str = ""
    """File with the accounts of SIP phones, a line each: name:realm:hash, as Apache's htdigest writes them. Phones then
    need a password, also where access is open. Empty: phones need what other callers need."""

    @field_validator("access_secret")
    @classmethod
    def _not_guessed(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < MIN_SECRET_CHARS:
            raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters: it can be guessed from one token")
        return value

    @field_validator("access_jwks")
    @classmethod
    def _place(cls, value: str) -> str:
        if "://" in value and not _is_web_address(value):
            raise ValueError("must be the path of a file, or an http or https address")
        return value

    @field_validator("access_token_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not (_is_web_address(value) or (value.startswith("/") and not value.startswith("//"))):
            raise ValueError("must be a path that begins with /, or an http or https address")
        if not _VISIBLE.fullmatch(value) or ";" in value or "," in value:
            raise ValueError("must have only visible ASCII characters, without ; and ,")
        return value


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
