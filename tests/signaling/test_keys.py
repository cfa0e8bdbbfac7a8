"""Which keys of a set the server uses, and for what."""

from typing import Any

import pytest

from signaling.keys import MAX_KEYS, PUBLIC_ALGORITHMS, fitting, read_key_set, secret_key
from tests.tokens import ALGORITHMS, SECRET, jwk, key_set


def test_a_key_verifies_by_the_algorithms_of_its_kind() -> None:
    """The kind of a key, and its own `alg` if it has one, say which algorithms it verifies. None is of a secret."""
    for kind, algorithms in ALGORITHMS.items():
        [key] = read_key_set(key_set(jwk(kind)))
        assert key.algorithms == set(algorithms)
    [key] = read_key_set(key_set(jwk("rsa", alg="PS256")))
    assert key.algorithms == {"PS256"}
    assert not any(name.startswith(("HS", "none")) for name in PUBLIC_ALGORITHMS)
    assert secret_key(SECRET).algorithms == {"HS256"}


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": ["RSA"]},
        {},
        jwk("rsa", use="enc"),
        jwk("rsa", alg="HS256"),
        jwk("rsa", alg="ES256"),
        jwk("rsa", kid=7),
        jwk("rsa-1024"),
        jwk("p-256", d="AAAA"),
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(entry: dict[str, Any]) -> None:
    """Secrets, private and short keys, keys for other purposes and malformed keys verify nothing. The others do."""
    [key] = read_key_set(key_set(entry, jwk("p-256", kid="good")))
    assert key.kid == "good"
    with pytest.raises(ValueError, match="no public key"):
        read_key_set(key_set(entry))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"keys": {}}', b'{"keys": [1]}', b"[" * 5_000])
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    """A text that is not a JSON Web Key Set is refused with a sentence."""
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        read_key_set(text)


def test_a_set_has_few_keys() -> None:
    """A set with too many keys is refused: a token without a name of its key would be tried with each of them."""
    with pytest.raises(ValueError, match=str(MAX_KEYS)):
        read_key_set(key_set(*[jwk("p-256")] * (MAX_KEYS + 1)))


def test_a_token_names_its_key() -> None:
    """A token is checked with the key that it names; without a name, with every key of the right kind."""
    keys = read_key_set(key_set(jwk("rsa", kid="a"), jwk("p-256", kid="b"), jwk("p-256", kid="c"), jwk("ed25519")))
    assert [key.kid for key in fitting(keys, "ES256", "c")] == ["c"]
    assert [key.kid for key in fitting(keys, "ES256", "")] == ["b", "c"]
    assert [key.kid for key in fitting(keys, "EdDSA", "any")] == [""]
    assert fitting(keys, "ES256", "a") == fitting(keys, "none", "") == fitting(keys, "HS256", "a") == []


def test_a_key_is_not_shown() -> None:
    """A secret is not in the `repr` of its key."""
    assert SECRET not in repr(secret_key(SECRET))
