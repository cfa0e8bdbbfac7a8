"""Tokens of callers, good and bad, and the keys that sign them."""

import base64
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a secret of the tests, which is as long as the longest hash that it may have to make"
OTHER_SECRET = "another secret, of which the server knows nothing, and which is not short either"

ALGORITHMS = {
    "rsa": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "p-256": ("ES256",),
    "p-384": ("ES384",),
    "p-521": ("ES512",),
    "ed25519": ("EdDSA",),
    "ed448": ("EdDSA",),
}


def token(
    sub: str = "ann", *, secret: Any = SECRET, algorithm: str = "HS256", headers: Any = None, **claims: Any
) -> str:
    """A token that is good for ten minutes, unless `claims` say something else. A claim that is None is left out."""
    body = {"sub": sub, "exp": int(time.time()) + 600} | claims
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, secret, algorithm, headers)


def raw(header: object, payload: object, signature: bytes = b"") -> str:
    """A token of any parts, whether they make sense or not. Bytes are taken as they are."""
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, payload)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, signature))


@cache
def private_key(kind: str) -> Any:
    """A key of its kind; the same one each time."""
    curves = {"p-256": ec.SECP256R1, "p-384": ec.SECP384R1, "p-521": ec.SECP521R1}
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65_537, int(kind.partition("-")[2] or 2048))
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    return (ed25519.Ed25519PrivateKey if kind == "ed25519" else ed448.Ed448PrivateKey).generate()


def jwk(kind: str, **more: Any) -> dict[str, Any]:
    """The public key of `private_key` as an entry of a JSON Web Key Set; `more` adds members."""
    public = private_key(kind).public_key()
    maker = RSAAlgorithm if kind.startswith("rsa") else OKPAlgorithm if kind.startswith("ed") else ECAlgorithm
    entry: dict[str, Any] = maker.to_jwk(public, as_dict=True)
    return {name: value for name, value in entry.items() if name != "key_ops"} | more


def key_set(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"keys": entries}).encode()


def pem(kind: str) -> bytes:
    """The public key as anybody may read it."""
    encoded: bytes = private_key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded
