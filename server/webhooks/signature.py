"""The signature of a webhook, by the Standard Webhooks specification
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
MIN_KEY_BYTES = 24
"""The least that the specification allows. A shorter key can be guessed from one signed event."""


def keys_of(secrets: str) -> tuple[bytes, ...]:
    """The keys in secrets such as `whsec_MfKQ…`, separated by commas. Raises ValueError with a sentence for people."""
    return tuple(_key(secret.strip()) for secret in secrets.split(",") if secret.strip())


def signature(keys: Sequence[bytes], event_id: str, timestamp_s: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each key, separated by spaces. `timestamp_s` is Unix time."""
    signed = f"{event_id}.{timestamp_s}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in keys)


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError(f"each secret must begin with {PREFIX}, and base64 must follow")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError(f"what follows {PREFIX} must be base64") from exc
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"each secret must have at least {MIN_KEY_BYTES} bytes, in base64 after {PREFIX}")
    return key
