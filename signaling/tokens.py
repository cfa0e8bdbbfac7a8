"""A caller's token: a JSON Web Token (RFC 7519) whose claims say who calls and what this caller may do. Pure.

A token is read in three steps: its header says which keys may have signed it, one of these keys verifies the signature,
and only then are its claims looked at.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import jwt
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, field_validator

from server.call.caller import Caller
from server.call.options import CallOptions
from server.errors import Forbidden, InvalidToken
from signaling.keys import SECRET_ALGORITHM, Key, secret_key

MAX_CHARS = 4096
"""How long a token may be. The address of a WebSocket, or one header, has room for it at every proxy."""
MAX_CONTEXT_BYTES = 2048
"""How long the context may be, as JSON. It goes with every request of the call."""
LEEWAY_S = 30
"""By how much the clocks of the server and of the token's maker may differ."""
DEFAULT_TTL_S = 600
"""How long a token is good if its maker does not say: long enough to read a page and press Call."""
GOES_ON_S = 24 * 3600
"""How long a token that has expired still goes on with a call that it has begun. No call is as long."""
_LAST_S = 253_402_300_799
"""The end of the year 9999. A time after it is a mistake, such as milliseconds in place of seconds."""
_TYPES = ("jwt", "at+jwt")
"""What the header may say that the token is (RFC 9068 for the second). Other kinds mean something else."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Second = Annotated[float, Field(ge=0, le=_LAST_S)]


class TokenOptions(CallOptions):
    """What a token chooses for the call. An option that does not exist is a mistake of the token's maker."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _Rights(BaseModel):
    """Who calls, and what this caller may do. docs/access.md says what each claim does."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)
    sub: Id
    nbf: Second | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    jti: Id | None = None
    once: bool = False
    agent: Annotated[str, StringConstraints(max_length=128)] = ""
    max_s: Annotated[float, Field(gt=0)] | None = None
    max_calls: Annotated[int, Field(ge=1)] | None = None
    options: TokenOptions = TokenOptions()
    context: dict[str, JsonValue] = {}
    record: bool | None = None

    @field_validator("context")
    @classmethod
    def _short(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode(errors="replace")) > MAX_CONTEXT_BYTES:
            raise ValueError(f"it has more than {MAX_CONTEXT_BYTES} bytes")
        return value


class Claims(_Rights):
    """The claims of a token that the server reads. It ignores all others.

    Times are seconds since 1970 (RFC 7519, NumericDate).
    """

    exp: Second


class NewToken(_Rights):
    """A token to be made, as its maker writes it. A claim that does not exist is a mistake."""

    model_config = ConfigDict(extra="forbid")
    exp: Second | None = None
    ttl_s: Annotated[float, Field(gt=0, le=_LAST_S)] | None = None
    """For how many seconds it is good, in place of `exp`."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made, and when it expires (Unix seconds)."""

    token: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says of its signature, before anything of it is believed."""

    algorithm: str
    kid: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Whom a token has to be for, and from. An empty audience or issuer asks for none."""

    agents: frozenset[str] = frozenset()
    """The names of the agents that answer here."""
    audience: str = ""
    issuer: str = ""


def read_header(token: str) -> Header:
    """Raises InvalidToken when this is no token."""
    if len(token) > MAX_CHARS:
        raise InvalidToken(f"The token has more than {MAX_CHARS} characters.")
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError) as exc:
        raise InvalidToken("The token is not a JSON Web Token.") from exc
    algorithm, kid, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or not isinstance(kid, str) or not isinstance(kind, str):
        raise InvalidToken("The token's header is not valid.")
    if kind.lower() not in _TYPES:
        raise InvalidToken("The token is of another type than JWT.")
    return Header(algorithm, kid)


def read_claims(token: str, header: Header, keys: Sequence[Key]) -> Claims:
    """The claims of a token that one of `keys` has signed. Raises InvalidToken, which names a claim that is wrong."""
    payload = next((claims for key in keys if (claims := _verified(token, header, key)) is not None), None)
    if payload is None:
        raise InvalidToken("The token is not signed with a key of this server.")
    try:
        return Claims.model_validate_json(payload)
    except ValidationError as exc:
        raise InvalidToken(f"The token's claims are not valid: {complaint(exc)}.") from exc


def _verified(token: str, header: Header, key: Key) -> bytes | None:
    """The payload, if `key` has signed it."""
    try:
        payload: bytes = jwt.PyJWS().decode(token, key.verifier, [header.algorithm])
    except (PyJWTError, ValueError, TypeError, RecursionError):
        return None
    return payload


def complaint(error: ValidationError) -> str:
    """The first thing that is wrong, with the name of its claim. It does not repeat the claim's value."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}" if where else "they are not a JSON object"


def caller_of(claims: Claims, expected: Expected, known: Caller, now_s: float) -> Caller:
    """The caller whom the claims name; `known` is what the network tells. `now_s` is the wall clock.

    Raises InvalidToken, Forbidden.
    """
    _check(claims, expected, now_s)
    return replace(
        known,
        name=claims.sub,
        agent=claims.agent,
        max_s=claims.max_s,
        max_calls=claims.max_calls,
        options=claims.options,
        context=claims.context,
        record=claims.record,
        expired=now_s > claims.exp + LEEWAY_S,
        once=claims.jti or "" if claims.once else "",
        good_until_ms=int((claims.exp + LEEWAY_S) * 1000),
    )


def _check(claims: Claims, expected: Expected, now_s: float) -> None:
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud or []
    if now_s > claims.exp + GOES_ON_S:
        raise InvalidToken("The token has expired.")
    if claims.nbf is not None and now_s < claims.nbf - LEEWAY_S:
        raise InvalidToken("The token is not valid yet (nbf).")
    if expected.issuer and claims.iss != expected.issuer:
        raise InvalidToken("The token is from another issuer (iss).")
    if (audiences or expected.audience) and expected.audience not in audiences:
        raise InvalidToken("The token is for another audience (aud).")
    if claims.once and claims.jti is None:
        raise InvalidToken("The token begins one call only (once), but has no id (jti).")
    if claims.agent and claims.agent not in expected.agents:
        raise Forbidden("The token is for another agent (agent).")


def issue(
    wanted: NewToken, expected: Expected, secret: str, now_s: float, new_id: str, more: Mapping[str, Any] | None = None
) -> Issued:
    """Make a token for the server that expects this. `new_id` is its id, if it begins one call only and has none.
    `more` are claims that only one of the ways in reads.

    Raises ValueError, with a sentence, if no server would accept it.
    """
    ends_s = int(wanted.exp if wanted.exp is not None else now_s + (wanted.ttl_s or DEFAULT_TTL_S))
    payload = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"ttl_s"}) | {"exp": ends_s}
    payload |= {"jti": wanted.jti or new_id} if wanted.once else {}
    own = {"aud": expected.audience, "iss": expected.issuer}
    payload = {name: value for name, value in own.items() if value} | payload | dict(more or {})
    token = jwt.encode(payload, secret_key(secret).verifier, SECRET_ALGORITHM)
    if len(token) > MAX_CHARS:
        raise ValueError(f"the token would have more than {MAX_CHARS} characters")
    return Issued(token, ends_s)
