"""Where a call's media is reached, whom it contacts, and how long its set-up may take."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from server.media.candidates import Contact

_PORTS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server (RFC 7064, 7065), with credentials if it is TURN."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """`addresses` are bound, none: all of the machine, with 127.0.0.1 if `loopback`. `ports`: empty for any free one.

    `public_address` is advertised in place of the address of its family (1:1 NAT). `ice_servers`: by which the server
    itself gathers, at most one of STUN and one of TURN; asked for each call, because credentials age.
    """

    addresses: tuple[str, ...] = ()
    loopback: bool = False
    ports: range = range(0)
    public_address: str = ""
    contact: Contact = Contact.PRIVATE
    ice_servers: Callable[[], Sequence[IceServer]] = tuple


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """What every peer is made with. Each deadline counts from the end of the stage before it."""

    reach: Reach = Reach()
    connect_s: float = 15.0
    """How long a new call may take to connect, all in all, before it is given up: the sum of ICE and DTLS."""
    ice_s: float = 10.0
    """How long ICE may take to find a way to the caller, from the answer on. Over a relay it takes up to about 5 s."""
    dtls_s: float = 5.0
    """How long DTLS may take to agree on keys: four flights, of which two may be lost and repeated."""
    first_packet_s: float = 10.0
    """How long the caller's first sound may take, unless the caller only listens. A client that never sends must not
    hold a line."""
    vanished_s: float = 4.0
    """How long a caller may give no sign of life, neither sound nor message nor answer to a STUN check, before the
    connection counts as lost. ICE itself takes 30 s."""


def port_range(text: str) -> range:
    """`40000-40099` → these ports; empty text → none in particular. Raises ValueError."""
    if not text:
        return range(0)
    found = _PORTS.fullmatch(text)
    if found is None or not 1024 <= int(found[1]) <= int(found[2]) <= 65_535:
        raise ValueError("must be two ports from 1024 to 65535, as 40000-40099")
    return range(int(found[1]), int(found[2]) + 1)
