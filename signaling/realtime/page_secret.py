"""The secret of a page: what it says of the session that the page begins with it. Pure.

It is a token in three parts, as a JSON Web Token is. Its claim `session` has what its backend has written, compressed,
because a header has little room. On a server that everybody may call it is not signed: it opens nothing there.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from signaling.openai.refused import Refused, read_json

CLAIM = "session"
MAX_CHARS = 7_000
"""How long an unsigned secret may be. aiohttp takes 8,190 bytes in one header."""
MAX_SESSION_BYTES = 400_000


def claims_of(session: Mapping[str, Any]) -> dict[str, str]:
    """The claims that a secret has for a session that begins so."""
    if not session:
        return {}
    text = json.dumps(session, ensure_ascii=False, separators=(",", ":"))
    return {CLAIM: _written(zlib.compress(text.encode(), 9))}


def unsigned(session: Mapping[str, Any], nonce: str) -> str:
    """A secret that is good for nothing. Raises ValueError if it is too long."""
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "none"}, claims_of(session))]
    secret = ".".join([*map(_written, parts), nonce])
    if len(secret) > MAX_CHARS:
        raise ValueError(f"it would have more than {MAX_CHARS} characters")
    return secret


def session_of(secret: str) -> dict[str, Any]:
    """How the session begins, by a secret; {} if it does not say it. Whoever needs a signature has verified it."""
    try:
        claims = json.loads(_read(secret.split(".")[1]))
        text = zlib.decompressobj().decompress(_read(claims[CLAIM]), MAX_SESSION_BYTES)
        session = read_json(text)
    except (ValueError, LookupError, TypeError, AttributeError, zlib.error, RecursionError, Refused):
        return {}
    return session if isinstance(session, dict) else {}


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
