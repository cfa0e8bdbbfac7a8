"""Refusal: which SIP response an error of ours becomes, and the other way round (RFC 3261, section 21). Pure."""

import re

from server.errors import (
    AgentUnavailable,
    AntiphonError,
    AtCapacity,
    Forbidden,
    NotAcceptable,
    NotAnswered,
    NotFound,
    PeerError,
    StoreError,
    TooLarge,
    TooMany,
    Unauthorized,
)
from signaling.sip.message import Request

_CODES: tuple[tuple[type[AntiphonError], int], ...] = (
    (Unauthorized, 401),
    (NotAcceptable, 488),
    (NotFound, 404),
    (Forbidden, 403),
    (TooLarge, 413),
    (PeerError, 400),
    (AtCapacity, 503),
    (TooMany, 486),
    (StoreError, 503),
    (AgentUnavailable, 480),
)
"""The first class that an error is of decides."""
_BUSY = ("busy", "The phone is busy")
_DECLINED = ("declined", "The call was declined")
_NO_ANSWER = ("no_answer", "Nobody has answered")
_UNAVAILABLE = ("unavailable", "The phone cannot be called now")
_NOT_ACCEPTABLE = ("not_acceptable", "The phone cannot take such a call")
_REASONS = {
    404: _UNAVAILABLE, 406: _NOT_ACCEPTABLE, 408: _NO_ANSWER, 410: _UNAVAILABLE, 415: _NOT_ACCEPTABLE,
    480: _UNAVAILABLE, 486: _BUSY, 487: _NO_ANSWER, 488: _NOT_ACCEPTABLE, 600: _BUSY, 603: _DECLINED,
    604: _UNAVAILABLE, 606: _NOT_ACCEPTABLE,
}  # fmt: skip
RETRY_AFTER_S = 10
"""When a phone may try again, where the error does not say it."""
_NOT_QUOTED = re.compile(r'[^\x20-\x7e]|["\\]')


def refusal(error: AntiphonError) -> tuple[int, list[tuple[str, str]]]:
    """The code, and the headers that say why and when to try again."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), 500)
    headers = [warning(error.sentence)]
    if isinstance(error, AtCapacity | TooMany):
        headers.append(("Retry-After", str(error.retry_after_s)))
    elif code in (480, 503):
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    return code, headers


def unusable(request: Request, kind: str) -> tuple[int, list[tuple[str, str]]] | None:
    """Why a request that needs a body of this kind, and an answer of the same kind, is refused; None: it is not."""
    if not request.body:
        return 488, [warning(f"A request {request.method} needs an offer ({kind}).")]
    if request.content_type != kind:
        return 415, [("Accept", kind)]
    if any(each != "identity" for each in request.headers.tokens("Content-Encoding")):
        return 415, [("Accept-Encoding", "identity")]
    taken = [each.partition(";")[0].strip() for each in request.headers.tokens("Accept")]
    if taken and not {kind, f"{kind.partition('/')[0]}/*", "*/*"} & set(taken):
        return 406, [warning(f"The answer is {kind}, which the header Accept does not name.")]
    return None


def not_answered(code: int) -> NotAnswered:
    """Why a phone that was called has not taken the call, by the code of its answer."""
    kind, sentence = _REASONS.get(code, ("failed", "The phone has not taken the call"))
    return NotAnswered(kind, f"{sentence} ({code}).")


def warning(sentence: str) -> tuple[str, str]:
    """The header that tells people why (RFC 3261, section 20.43)."""
    plain = _NOT_QUOTED.sub("'", sentence)
    return "Warning", f'399 antiphon "{plain}"'
