"""Settings of a call's media: where clients reach it, which addresses it contacts, and how long its set-up may take."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from server.media.candidates import Contact

_PORTS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class GatherServer:
    """A STUN or TURN server by which this server gathers candidates (RFC 7064, 7065). TURN needs credentials."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where clients reach a call's media, and which addresses the call contacts."""

    addresses: tuple[str, ...] = ()
    """The addresses that are bound. If there are none: all addresses of the machine."""
    loopback: bool = False
    """Whether "all addresses" includes 127.0.0.1."""
    ports: range = range(0)
    """The ports that are bound. If the range is empty: any free port."""
    public_address: str = ""
    """Advertised in place of the bound address of the same family (IPv4 or IPv6), behind 1:1 NAT."""
    contact: Contact = Contact.PRIVATE
    """How near to the server a client's address may be."""
    local_here: bool = False
    """Whether a caller on this machine may have local addresses, whatever `contact` says."""
    gather_servers: Callable[[], Sequence[GatherServer]] = tuple
    """Gives at most one STUN server and one TURN server. It is called for each call, because credentials expire."""

    def contact_of(self, here: bool) -> Contact:
        """How near the address of a caller may be, who is on this machine if `here` is true."""
        return Contact.LOCAL if here and self.local_here else self.contact


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """The settings of every peer. Times are in seconds; each deadline counts from the end of the stage before it."""

    reach: Reach = Reach()
    connect_s: float = 15.0
    """How long a new call may take to connect, all in all, before it is given up: the sum of ICE and DTLS."""
    ice_s: float = 10.0
    """How long ICE may take to find a way to the caller, from the answer on. Over a relay it takes up to about 5 s."""
    dtls_s: float = 5.0
    """How long DTLS may take to agree on keys: four flights, of which two may be lost and repeated."""
    vanished_s: float = 4.0
    """How long a client may give no sign of life, neither sound nor message nor answer to a STUN check, before the
    connection counts as lost. ICE itself takes 30 s."""


def port_range(text: str) -> range:
    """Read a range of ports like `40000-40099`; both ends belong to it. Empty text gives an empty range.

    Raises ValueError.
    """
    if not text:
        return range(0)
    found = _PORTS.fullmatch(text)
    if found is None or not 1024 <= int(found[1]) <= int(found[2]) <= 65_535:
        raise ValueError("must be two ports from 1024 to 65535, as 40000-40099")
    return range(int(found[1]), int(found[2]) + 1)
