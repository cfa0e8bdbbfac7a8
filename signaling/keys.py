"""The keys that callers' tokens are signed with, and what each of them may verify. Pure.

A key fixes its algorithms by its own kind. So nobody can sign with HMAC and a public key, or with nothing (RFC 8725,
sections 2.1 and 3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ValidationError

SECRET_ALGORITHM = "HS256"
MAX_KEYS = 16
"""How many keys a set may have. A token that names none of them is tried with each one that fits."""
MIN_RSA_BITS = 2048
"""How many bits an RSA key has to have (RFC 7518, section 3.3)."""

_OF_KINDS = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
"""Kind and curve of a public key → the algorithms that it verifies."""
PUBLIC_ALGORITHMS = frozenset[str]().union(*_OF_KINDS.values())


@dataclass(frozen=True, slots=True)
class Key:
    """A key that verifies the signatures of tokens, by these algorithms and no others."""

    algorithms: frozenset[str]
    verifier: Any = field(repr=False)
    """What PyJWT verifies with: the bytes of a secret, or a public key."""
    kid: str = ""
    """The name by which a token asks for it; "" serves every token."""


def secret_key(secret: str) -> Key:
    """The key that is shared with the backend that makes tokens."""
    return Key(frozenset({SECRET_ALGORITHM}), secret.encode())


def fitting(keys: Sequence[Key], algorithm: str, kid: str) -> list[Key]:
    """The keys that may have signed a token whose header says this."""
    return [key for key in keys if algorithm in key.algorithms and (not key.kid or not kid or key.kid == kid)]


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


def read_key_set(text: bytes) -> tuple[Key, ...]:
    """The public keys of a JSON Web Key Set (RFC 7517, section 5). Keys of other kinds and uses are left out.

    Raises ValueError, with a sentence, if it is not such a set or has no key that can be used.
    """
    try:
        entries = _KeySet.model_validate_json(text).keys
    except ValidationError as exc:
        raise ValueError("it is not a JSON Web Key Set") from exc
    if len(entries) > MAX_KEYS:
        raise ValueError(f"it has more than {MAX_KEYS} keys")
    keys = tuple(key for entry in entries if (key := _public_key(entry)) is not None)
    if not keys:
        raise ValueError("it has no public key for signatures (RSA of 2048 bits or more, EC or OKP)")
    return keys


def _public_key(entry: dict[str, Any]) -> Key | None:
    """One key of a set, or None for one that does not verify signatures, such as a secret or a private key."""
    kind, curve, kid, use = (entry.get(name) for name in ("kty", "crv", "kid", "use"))
    if not isinstance(kind, str) or not isinstance(curve, str | None) or not isinstance(kid, str | None):
        return None
    algorithms = _OF_KINDS.get((kind, curve if kind != "RSA" else None), frozenset())
    if (named := entry.get("alg")) is not None:
        algorithms = frozenset({name for name in algorithms if name == named})
    if not algorithms or use not in (None, "sig") or "d" in entry:
        return None
    try:
        verifier = jwt.PyJWK.from_dict(entry, min(algorithms)).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if kind == "RSA" and verifier.key_size < MIN_RSA_BITS:
        return None
    return Key(algorithms, verifier, kid or "")
