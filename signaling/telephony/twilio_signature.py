"""Proofs that something comes from Twilio: the signature of its webhooks, and our own one for the streams. Pure.

Twilio signs the address and the parameters of a webhook with the account's auth token (HMAC-SHA1, as its documentation
of webhook security says). The webhook answers with the parameters of a stream, signed with the same token. Twilio hands
them on when it opens the stream, so nobody else can open one.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha1, sha256

from server.call.line.telephone import Begun
from server.errors import Unauthorized

GOOD_S = 120
"""How long the parameters of a stream are good. Twilio opens the stream at once."""
UNTIL, PASS = "until", "pass"
"""The parameters that prove the others."""


def signature(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The value of `X-Twilio-Signature` for a POST to `url`."""
    text = url + "".join(name + value for name, value in sorted(set(parameters)))
    return b64encode(hmac.digest(token.encode(), text.encode("utf-8", "surrogateescape"), sha1)).decode()


def signed_scheme(
    token: str, hosts: Sequence[str], path: str, parameters: Sequence[tuple[str, str]], given: str
) -> str:
    """The scheme of the address for which the signature is good. Raises Unauthorized.

    The server may not know which one Twilio has called: a proxy may have taken the TLS off. Twilio signs some addresses
    with their port and some without it, whether it is the scheme's own port or another one.
    """
    for scheme, port in (("https", "443"), ("http", "80")):
        for place in dict.fromkeys(each for host in hosts for each in _with_and_without_port(host, port)):
            good = signature(token, f"{scheme}://{place}{path}", parameters)
            if hmac.compare_digest(good.encode(), _bytes(given)):
                return scheme
    raise Unauthorized("The signature is not Twilio's.")


def _with_and_without_port(host: str, port: str) -> Sequence[str]:
    name, colon, told = host.rpartition(":")
    if not colon or not told.isdecimal():
        name = host
    return (host, name, f"{name}:{port}")


def with_pass(token: str, call_id: str, parameters: Mapping[str, str], now_s: float) -> dict[str, str]:
    """The parameters of a stream with what proves them."""
    until = {**parameters, UNTIL: str(int(now_s) + GOOD_S)}
    return {**until, PASS: _pass(token, call_id, until)}


def vetted(token: str, begun: Begun, now_s: float) -> Begun:
    """A stream that has begun, without what proves it. Raises Unauthorized if its parameters are not from us."""
    given = {**begun.about, "from": begun.number, "to": begun.dialled}
    proof = given.pop(PASS, "")
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    until = texts.get(UNTIL, "")
    good = hmac.compare_digest(_bytes(_pass(token, begun.call_id, texts)), _bytes(str(proof)))
    if not good or len(texts) < len(given) or not until.isdecimal() or int(until) < now_s:
        raise Unauthorized("The stream was not asked for by this server's webhook, or too long ago.")
    return replace(begun, about={name: value for name, value in begun.about.items() if name not in (UNTIL, PASS)})


def _pass(token: str, call_id: str, parameters: Mapping[str, str]) -> str:
    """Every name and value with its length before it, so that nothing can be moved from one to another."""
    parts = [call_id, *(part for item in sorted(parameters.items()) for part in item)]
    text = b"stream " + b"".join(b"%d:%s" % (len(_bytes(part)), _bytes(part)) for part in parts)
    return hmac.digest(token.encode(), text, sha256).hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
