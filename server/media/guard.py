"""Judges the datagrams that come to a media socket: what kind each one is, and whether it is meant for us.

It knows no socket and no clock. `transport.py` decides with these answers which datagrams reach the protocols.
"""

from enum import Enum

_STUN_HEADER = 20
_STUN_COOKIE = b"\x21\x12\xa4\x42"
_STUN_RESPONSE = 0x0100


class Kind(Enum):
    """The protocol of a datagram. RFC 7983, section 7, lists more of them; a call uses these three."""

    STUN = "stun"
    DTLS = "dtls"
    SRTP = "srtp"


def kind_of(data: bytes) -> Kind | None:
    """Tell the protocol by the first byte. `data` must not be empty. None for a protocol that a call does not use."""
    first = data[0]
    if 127 < first < 192:
        return Kind.SRTP
    if first < 4:
        return Kind.STUN
    return Kind.DTLS if 19 < first < 64 else None


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP. Both come to the same port (RFC 5761, section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def transaction_of(data: bytes) -> bytes | None:
    """The transaction id of a STUN response (RFC 8489, section 5). None for any other datagram."""
    if len(data) < _STUN_HEADER or data[4:8] != _STUN_COOKIE:
        return None
    return data[8:20] if int.from_bytes(data[:2], "big") & _STUN_RESPONSE else None


def names(data: bytes, user: bytes) -> bool:
    """Whether a STUN message carries `user`, our ICE user name.

    This is a cheap first check. ICE verifies the message's integrity later.
    """
    return len(data) >= _STUN_HEADER and data[4:8] == _STUN_COOKIE and user + b":" in data
