"""What of a socket's datagrams may reach the protocols: by kind, by sender, by rate. Knows no socket and no clock."""

from enum import Enum

MAX_PER_S = 200
"""Of authentic sound, and again of all else: a call needs 50 to 100, and room for a burst after a stall."""
_STUN_HEADER = 20
_STUN_COOKIE = b"\x21\x12\xa4\x42"
_STUN_RESPONSE = 0x0100


class Kind(Enum):
    """RFC 7983, section 7, of which a call has three."""

    STUN = "stun"
    DTLS = "dtls"
    SRTP = "srtp"


def kind_of(data: bytes) -> Kind | None:
    """By the first byte of a datagram that is not empty."""
    first = data[0]
    if 127 < first < 192:
        return Kind.SRTP
    if first < 4:
        return Kind.STUN
    return Kind.DTLS if 19 < first < 64 else None


def is_rtcp(data: bytes) -> bool:
    """Of two that come to one port (RFC 5761, section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def transaction_of(data: bytes) -> bytes | None:
    """The transaction id of a STUN response (RFC 8489, section 5); None when the datagram is something else."""
    if len(data) < _STUN_HEADER or data[4:8] != _STUN_COOKIE:
        return None
    return data[8:20] if int.from_bytes(data[:2], "big") & _STUN_RESPONSE else None


def names(data: bytes, user: bytes) -> bool:
    """Whether STUN carries our user name. Cheap, and to be verified by its integrity later."""
    return len(data) >= _STUN_HEADER and data[4:8] == _STUN_COOKIE and user + b":" in data


class RateLimit:
    """`per_s` in each second, and `burst` at once after a rest."""

    def __init__(self, per_s: float = MAX_PER_S, burst: float = MAX_PER_S) -> None:
        self._per_s = per_s
        self._burst = self._left = burst
        self._last_s: float | None = None

    def admits(self, now_s: float, amount: float = 1) -> bool:
        if self._last_s is not None:
            self._left = min(self._burst, self._left + (now_s - self._last_s) * self._per_s)
        self._last_s = now_s
        if self._left < amount:
            return False
        self._left -= amount
        return True
