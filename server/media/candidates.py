"""Decides which of a client's ICE candidates we contact, by their addresses and their number. Pure.

A candidate is an address that the client chooses. We send packets to it before anything proves that the client is
there (RFC 8445, section 19.5.1). So we contact only addresses that a client can have, and only a few of them.

Names (mDNS, `.local`) are not looked up, because a client could use them to make us send queries. No call needs them:
our own candidates are addresses, and the client's checks show us its address (a peer-reflexive candidate).

A candidate that is not contacted is counted. It is not an error.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from server.errors import PeerError

MAX_CONTACTED = 32
"""How many addresses one call may make us check. A browser on a machine with many interfaces has about ten."""
MAX_SEEN = 128
"""How many candidates of one call are read. It is more than MAX_CONTACTED, because TCP candidates, names and
repetitions come on top of those that are contacted."""
MAX_LENGTH = 512
"""How many characters one candidate may have. Real ones have about 150."""
FIRST_PORT = 1024
"""The lowest port that is contacted. Ports below it belong to services; no client's UDP socket has one of them."""

_TOKEN = re.compile(r"[!-~]{1,256}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_NAME = re.compile(r"[0-9A-Za-z._-]{1,253}")
_TYPES = ("host", "srflx", "prflx", "relay")

_NAT64 = IPv6Network("64:ff9b::/96")
_METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
         "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)  # fmt: skip
"""The addresses where clouds give credentials to their machines (AWS, Google, Azure, Oracle, Alibaba). No client has
one of them."""


class Contact(IntEnum):
    """How near to the server an address may be that we contact. Each step also allows all steps before it."""

    PUBLIC = 0
    """Addresses of the public Internet."""
    PRIVATE = 1
    """Addresses of private and shared networks (RFC 1918, 6598, 4193), too."""
    LOCAL = 2
    """Loopback and link-local addresses, too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate that we contact: an address and a port for UDP.

    `foundation` and `priority` are those that the client gave, shortened to 32 characters and to 31 bits.
    """

    foundation: str
    priority: int
    address: str
    port: int
    type: str

    def to_sdp(self) -> str:
        """Write the value of an `a=candidate` line (RFC 8839, section 5.1), without the related address."""
        return f"{self.foundation} 1 udp {self.priority} {self.address} {self.port} typ {self.type}"


class Candidates:
    """All candidates that the client of one call has sent so far."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._seen = 0
        self._contacted: set[tuple[str, int]] = set()
        self.left_out: Counter[str] = Counter()
        """How many candidates were not contacted, by reason."""

    def anew(self) -> "Candidates":
        """None yet, with the same rule for their addresses."""
        return Candidates(self._contact)

    def take(self, text: str) -> Candidate | None:
        """Read one candidate, with or without `candidate:` in front. Returns None if it is not to be contacted.

        Raises PeerError if `text` is not a candidate, or if the call has too many of them.
        """
        self._see()
        candidate, reason = self._read(text.strip().removeprefix("a=").removeprefix("candidate:"))
        if candidate is None:
            self.left_out[reason] += 1
            return None
        self._contacted.add((candidate.address, candidate.port))
        if len(self._contacted) > MAX_CONTACTED:
            raise PeerError(f"A call may have at most {MAX_CONTACTED} candidates.")
        return candidate

    def leave_out(self, reason: str) -> None:
        """Count a candidate that is not contacted, without reading it. Raises PeerError if the call has too many."""
        self._see()
        self.left_out[reason] += 1

    def _see(self) -> None:
        self._seen += 1
        if self._seen > MAX_SEEN:
            raise PeerError(f"A call may send at most {MAX_SEEN} candidates.")

    def _read(self, text: str) -> tuple[Candidate | None, str]:
        """Return the candidate, or None and the reason why it is not contacted.

        Raises PeerError if `text` is not a candidate (RFC 8839, section 5.1).
        """
        words = text.split(" ")
        if len(text) > MAX_LENGTH or len(words) < 8 or not all(map(_TOKEN.fullmatch, words)):
            raise _invalid(text)
        foundation, component, transport, priority, host, port, typ, kind = words[:8]
        if not all(map(_NUMBER.fullmatch, (component, priority, port))) or typ != "typ" or int(port) > 65_535:
            raise _invalid(text)
        if transport.lower() != "udp" or component != "1" or kind not in _TYPES:
            return None, "transport"
        address = _address(host)
        if address is None:
            return None, "name"
        if "%" in host or not may_contact(address, self._contact):  # "%" starts a zone of the client's own machine
            return None, "address"
        if int(port) < FIRST_PORT:
            return None, "port"
        if (str(address), int(port)) in self._contacted:
            return None, "repeated"
        return Candidate(foundation[:32], min(int(priority), 2**31 - 1), str(address), int(port), kind), ""


def _invalid(text: str) -> PeerError:
    shown = "".join(character if character.isprintable() else "?" for character in text[:80])
    return PeerError(f'The ICE candidate is not valid (line "a=candidate:{shown}").')


def may_contact(address: IPv4Address | IPv6Address, contact: Contact) -> bool:
    """Whether a client can have `address`. An IPv6 address that holds an IPv4 address is judged by that one."""
    inner = _inner(address)
    if inner is not None:
        return may_contact(inner, contact)
    if address in _METADATA or address.is_unspecified or address.is_multicast:
        return False
    if address.is_loopback or address.is_link_local:
        return contact >= Contact.LOCAL
    if address.is_reserved or (address.version == 4 and int(address) >> 24 == 0):
        return False
    return contact >= Contact.PRIVATE or address.is_global


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, compatible, NAT64, 6to4 or Teredo address. None for any other address."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Read an address. Returns None for a name. Raises PeerError if `host` is neither an address nor a name."""
    try:
        return ip_address(host)
    except ValueError:
        if _NAME.fullmatch(host) and not host.replace(".", "").isdigit():
            return None
        raise _invalid(host) from None
