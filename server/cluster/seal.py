"""Seal: how a worker knows that a request comes from another worker, and for whom it was passed on. Pure.

The worker that passes a request on writes one header, and signs it with the secret that all workers share. An address
proves nothing here: proxies, and other programs of a machine, have the same one.
"""

import hashlib
import hmac
from dataclasses import astuple, dataclass

from signaling.addresses import PASSED_ON

HEADER = PASSED_ON
"""A request that has this header, true or not, is passed on to nobody. So nothing goes round in circles."""
GOOD_S = 60.0
"""How much older or younger than our clock a seal may be. Machines' clocks differ; a request takes milliseconds."""
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it is sealed."""

    method: str
    target: str
    """Its path and its query, as they are sent."""
    host: str
    """The header Host."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What one worker tells another one about a request."""

    sender: str
    receiver: str
    at_s: int
    """When it was passed on, in Unix seconds."""
    address: str
    """The address of the client."""
    scheme: str
    """The scheme by which the client has reached us: http or https."""

    def written(self, secret: str, asked: Asked) -> str:
        """The value of the header."""
        text = " ".join(map(str, astuple(self)))
        return f"{text} {_sign(secret, text, asked)}"


def read(value: str, secret: str, receiver: str, asked: Asked, now_s: float) -> Seal | None:
    """The seal in a header, for this receiver. None if it is not true, or too old, or for another request."""
    text, _, signature = value.rpartition(" ")
    if not secret or not hmac.compare_digest(_bytes(signature), _bytes(_sign(secret, text, asked))):
        return None
    parts = text.split(" ")
    if len(parts) != _FIELDS or not parts[2].isdecimal():
        return None
    seal = Seal(parts[0], parts[1], int(parts[2]), parts[3], parts[4])
    return seal if seal.receiver == receiver and abs(now_s - seal.at_s) <= GOOD_S else None


def _sign(secret: str, text: str, asked: Asked) -> str:
    what = "\n".join((text, asked.method, asked.target, asked.host))
    return hmac.digest(_bytes(secret), _bytes(what), hashlib.sha256).hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # the HTTP parser represents bytes that are not UTF-8 this way
