"""What a token has to be to let a caller in, and what each of its claims does."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.caller import Caller
from server.errors import AntiphonError, Forbidden, InvalidToken
from signaling.keys import Key, fitting, read_key_set, secret_key
from signaling.tokens import (
    DEFAULT_TTL_S,
    GOES_ON_S,
    LEEWAY_S,
    MAX_CHARS,
    MAX_CONTEXT_BYTES,
    Expected,
    NewToken,
    TokenOptions,
    caller_of,
    issue,
    read_claims,
    read_header,
)
from tests.tokens import ALGORITHMS, OTHER_SECRET, SECRET, jwk, key_set, pem, private_key, raw, token

NOW_S = 1_800_000_000.0
WHOM = Expected(frozenset({"Museum"}))
SECRET_KEYS = (secret_key(SECRET),)


def read(text: str, keys: tuple[Key, ...] = SECRET_KEYS, whom: Expected = WHOM, now_s: float = NOW_S) -> Caller:
    """The caller of a token, as the server reads it."""
    header = read_header(text)
    return caller_of(
        read_claims(text, header, fitting(keys, header.algorithm, header.kid)), whom, Caller("203.0.113.7"), now_s
    )


def made(**claims: Any) -> str:
    return token(**{"exp": NOW_S + 600} | claims)


def test_every_claim_reaches_the_caller() -> None:
    """What the token says of the caller is what the server knows of the caller."""
    options = {"model": "m", "voice": "v", "max_tokens": 9, "language": "de", "temperature": 0.5, "patience": "quick"}
    text = made(
        agent="Museum", max_s=90.5, max_calls=2, options=options, context={"plan": ["gold"]}, record=False, jti="j",
        once=True, nbf=NOW_S, iat=NOW_S, name="Ann", scope="calls",
    )  # fmt: skip
    assert read(text) == Caller(
        address="203.0.113.7", name="ann", agent="Museum", max_s=90.5, max_calls=2, options=TokenOptions(**options),
        context={"plan": ["gold"]}, record=False, once="j", good_until_ms=int((NOW_S + 600 + LEEWAY_S) * 1000),
    )  # fmt: skip


def test_a_token_with_a_subject_alone_leaves_all_to_the_server() -> None:
    """Only `sub` and `exp` are needed; an id without `once` does not make the token a token of one use."""
    caller = read(made(jti="j"))
    assert (caller.name, caller.once, caller.expired, caller.record) == ("ann", "", False, None)
    assert caller.options.model_dump(exclude_defaults=True) == {}


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 129}, "sub"),
        ({"sub": 7}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": -1}, "exp"),
        ({"exp": NOW_S * 1000}, "exp"),
        ({"exp": True}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 129}, "jti"),
        ({"once": "yes"}, "once"),
        ({"once": True}, "jti"),
        ({"max_s": 0}, "max_s"),
        ({"max_s": "60"}, "max_s"),
        ({"max_calls": 0}, "max_calls"),
        ({"max_calls": 1.5}, "max_calls"),
        ({"options": []}, "options"),
        ({"options": {"model": "a\nb"}}, "options.model"),
        ({"options": {"voise": "amy"}}, "options.voise"),
        ({"options": {"max_tokens": "9"}}, "options.max_tokens"),
        ({"context": "gold"}, "context"),
        ({"context": {"about": "x" * MAX_CONTEXT_BYTES}}, "context"),
        ({"record": "no"}, "record"),
        ({"agent": 7}, "agent"),
        ({"aud": 7}, "aud"),
        ({"iss": 7}, "iss"),
    ],
)
def test_a_claim_that_is_not_valid_is_named(claims: dict[str, Any], named: str) -> None:
    """A token whose claim makes no sense lets nobody in. The sentence names the claim and does not repeat its value."""
    body = {"sub": "ann", "exp": NOW_S + 600} | claims
    text = jwt.PyJWS().encode(json.dumps({k: v for k, v in body.items() if v is not None}).encode(), SECRET, "HS256")
    with pytest.raises(InvalidToken, match=named.replace(".", r"\.")) as refusal:
        read(text)
    assert "gold" not in refusal.value.sentence
    assert "xxx" not in refusal.value.sentence


@pytest.mark.parametrize(
    ("expected", "claims", "refused"),
    [
        (Expected(frozenset({"Museum"})), {"agent": "Museum"}, None),
        (Expected(frozenset({"Museum"})), {"agent": "Bank"}, Forbidden),
        (Expected(audience="calls"), {"aud": "calls"}, None),
        (Expected(audience="calls"), {"aud": ["mail", "calls"]}, None),
        (Expected(audience="calls"), {"aud": "mail"}, InvalidToken),
        (Expected(audience="calls"), {}, InvalidToken),
        (Expected(), {"aud": "mail"}, InvalidToken),
        (Expected(issuer="us"), {"iss": "us"}, None),
        (Expected(issuer="us"), {"iss": "them"}, InvalidToken),
        (Expected(issuer="us"), {}, InvalidToken),
        (Expected(), {"iss": "them"}, None),
    ],
)
def test_a_token_is_for_this_server(
    expected: Expected, claims: dict[str, Any], refused: type[AntiphonError] | None
) -> None:
    """A token for another agent, another audience or from another issuer is refused."""
    if refused is None:
        assert read(made(**claims), whom=expected).name == "ann"
        return
    with pytest.raises(refused):
        read(made(**claims), whom=expected)


@pytest.mark.parametrize(
    ("passed_s", "expired"),
    [(0, False), (600 + LEEWAY_S, False), (601 + LEEWAY_S, True), (600 + GOES_ON_S, True), (601 + GOES_ON_S, None)],
)
def test_a_token_expires(passed_s: float, expired: bool | None) -> None:
    """A token that has expired still names its caller for a day, and nobody after that. Clocks may differ a little."""
    if expired is None:
        with pytest.raises(InvalidToken, match="expired"):
            read(made(), now_s=NOW_S + passed_s)
        return
    assert read(made(), now_s=NOW_S + passed_s).expired is expired


def test_a_token_may_begin_later() -> None:
    """A token whose time has not come lets nobody in. Clocks may differ a little."""
    assert read(made(nbf=NOW_S + LEEWAY_S)).name == "ann"
    with pytest.raises(InvalidToken, match="nbf"):
        read(made(nbf=NOW_S + LEEWAY_S + 1))


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_each_kind_of_key_verifies_by_its_own_algorithms(kind: str) -> None:
    """A public key verifies the algorithms of its kind, and a token that is signed by another key is refused."""
    keys = read_key_set(key_set(jwk(kind)))
    for algorithm in ALGORITHMS[kind]:
        text = made(secret=private_key(kind), algorithm=algorithm)
        assert read(text, keys).name == "ann"
        head, body, signature = text.split(".")
        with pytest.raises(InvalidToken, match="not signed"):
            read(f"{head}.{body}.{signature[:-8]}AAAAAAAA", keys)


def signed_with(key: bytes, header: dict[str, Any]) -> str:
    """A token that is signed by HMAC with any key, which PyJWT refuses to do with a public one."""
    unsigned = raw(header, {"sub": "eve", "exp": NOW_S + 600}).rpartition(".")[0]
    digest = hmac.new(key, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


GOOD = {"sub": "eve", "exp": NOW_S + 600}
HS256 = {"alg": "HS256", "typ": "JWT"}
HOSTILE = {
    "nothing": "",
    "garbage": "garbage",
    "dots": "..",
    "many dots": "a.b.c.d.e",
    "not base64": "!!!.???.***",
    "huge": "x" * (MAX_CHARS + 1),
    "null": "\0.\0.\0",
    "not ASCII": "é.é.é",
    "half a surrogate": "\udce9.a.b",
    "unsigned": raw({"alg": "none"}, GOOD),
    "unsigned, in capitals": raw({"alg": "NONE"}, GOOD),
    "signed by nothing": raw(HS256, GOOD),
    "another secret": made(secret=OTHER_SECRET),
    "a longer hash": made(algorithm="HS512"),
    "no algorithm": raw({}, GOOD),
    "a list of algorithms": raw({"alg": ["HS256"]}, GOOD),
    "an algorithm of no kind": raw({"alg": 7}, GOOD),
    "a header that is a list": raw(["HS256"], GOOD),
    "a header that is no JSON": raw(b"{", GOOD),
    "a header that nests": raw(b"[" * 1_500, GOOD),
    "a header that nests in a member": raw(b'{"alg":"HS256","x":' + b"[" * 1_200 + b"]" * 1_200 + b"}", GOOD),
    "a kid of no kind": raw(HS256 | {"kid": 7}, GOOD),
    "a critical extension": raw(HS256 | {"crit": ["x"], "x": 1}, GOOD),
    "a detached payload": raw(HS256 | {"b64": False, "crit": ["b64"]}, b""),
    "a key of its own": raw({"alg": "RS256", "jwk": {"kty": "RSA"}}, GOOD),
    "a key from elsewhere": raw({"alg": "RS256", "jku": "http://evil.example/keys"}, GOOD),
    "another type": made(headers={"typ": "logout+jwt"}),
    "a type of no kind": raw(HS256 | {"typ": 7}, GOOD),
    "encrypted": raw({"alg": "RSA-OAEP", "enc": "A256GCM"}, GOOD),
    "claims that are a list": jwt.PyJWS().encode(b"[]", SECRET, "HS256"),
    "claims that are no JSON": jwt.PyJWS().encode(b"{", SECRET, "HS256"),
    "claims that nest": jwt.PyJWS().encode(b'{"context":' + b'{"a":' * 400 + b"1" + b"}" * 401, SECRET, "HS256"),
    "claims that nest without an end": jwt.PyJWS().encode(b"[" * 2_500, SECRET, "HS256"),
    "a number without an end": jwt.PyJWS().encode(b'{"sub":"a","exp":1e999}', SECRET, "HS256"),
    "a number of many digits": jwt.PyJWS().encode(b'{"sub":"a","exp":' + b"9" * 2_000 + b"}", SECRET, "HS256"),
    "no number": jwt.PyJWS().encode(b'{"sub":"a","exp":NaN}', SECRET, "HS256"),
    "half a character": jwt.PyJWS().encode(b'{"sub":"\\ud800","exp":1800000600}', SECRET, "HS256"),
    "bytes of no text": jwt.PyJWS().encode(b'{"sub":"\xff","exp":1800000600}', SECRET, "HS256"),
    "a public key as the secret": signed_with(pem("rsa"), HS256),
    "a public key as the secret, by its name": signed_with(pem("rsa"), HS256 | {"kid": "rsa"}),
    "an empty secret": signed_with(b"", HS256),
    "a file as the key": signed_with(b"", HS256 | {"kid": "../../../../dev/null"}),
}
ALL_KEYS = (secret_key(SECRET), *read_key_set(key_set(jwk("rsa", kid="rsa"), jwk("p-256", kid="ec"))))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tokens_let_nobody_in(text: str) -> None:
    """A token that is malformed, forged or made to do harm is refused with a sentence, whatever keys the server has."""
    with pytest.raises(InvalidToken) as refusal:
        read(text, ALL_KEYS)
    assert refusal.value.sentence.endswith(".")


@given(
    st.text(max_size=60)
    | st.builds(lambda parts: ".".join(parts), st.lists(st.text("eyJhbGciOiIxMjM0NTYifQ-_", max_size=20), max_size=5))
    | st.builds(
        lambda algorithm, kid, payload: raw({"alg": algorithm, "kid": kid}, payload, b"signature"),
        st.sampled_from(["none", "HS256", "RS256", "ES256", "EdDSA", "", None, 1]),
        st.none() | st.text(max_size=9) | st.integers(),
        st.binary(max_size=99),
    )
)
def test_no_text_is_a_token_by_chance(text: str) -> None:
    """Whatever a stranger sends is refused, and never a fault of the server."""
    with pytest.raises(InvalidToken):
        read(text, ALL_KEYS)


CLAIMS = st.dictionaries(
    st.sampled_from("sub exp nbf agent max_s max_calls options context record once jti".split()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=6,
)


@given(CLAIMS)
def test_any_signed_claims_name_a_caller_or_are_refused(claims: dict[str, Any]) -> None:
    """Whatever a backend signs by mistake is a caller within the limits, or refused."""
    try:
        payload = json.dumps({"sub": "ann", "exp": NOW_S + 60} | claims).encode()
        caller = read(jwt.PyJWS().encode(payload, SECRET, "HS256"))
    except (InvalidToken, Forbidden):
        return
    assert 1 <= len(caller.name) <= 128
    assert caller.max_s is None or caller.max_s > 0
    assert caller.max_calls is None or caller.max_calls >= 1


def test_an_issued_token_is_a_token() -> None:
    """What the server makes, it takes; a token has ten minutes by default, and a token of one use gets an id."""
    whom = Expected(frozenset({"Museum"}), "calls", "us")
    issued = issue(NewToken(sub="ann", once=True, context={"a": 1}), whom, SECRET, NOW_S, "new")
    caller = read(issued.token, whom=whom)
    assert (caller.name, caller.once, caller.context) == ("ann", "new", {"a": 1})
    assert issued.expires_at == NOW_S + DEFAULT_TTL_S
    assert issue(NewToken(sub="ann", ttl_s=5), whom, SECRET, NOW_S, "").expires_at == NOW_S + 5
    assert issue(NewToken(sub="ann", exp=7.0), whom, SECRET, NOW_S, "").expires_at == 7
    assert issued.token not in repr(issued)


def test_a_token_that_no_server_would_take_is_not_made() -> None:
    """A token may not be longer than the server reads."""
    with pytest.raises(ValueError, match=str(MAX_CHARS)):
        issue(NewToken(sub="ann", iss="x" * 4_000), WHOM, SECRET, NOW_S, "")
