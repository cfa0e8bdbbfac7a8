"""Which of a caller's ICE candidates are contacted: pure, by address and number.

A candidate is an address that the caller chose and that we send packets to, before anything proves that the caller is
there (RFC 8445, section 19.5.1). So only addresses that a caller can have are contacted, and few of them. Names
(mDNS, `.local`) are not looked up: whoever calls could make us query, and nobody needs it: our own candidates are
addresses, and the caller's checks make its address known (peer-reflexive). What is left out is counted, and no error.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from server.errors import PeerError

MAX_CONTACTED = 32
"""Addresses that one call may have us check; a browser on a machine with many interfaces has about ten."""
MAX_SEEN = 128
"""Candidates that are read at all, because TCP ones, names and repetitions come on top."""
MAX_LENGTH = 512
"""Characters of one candidate; real ones have about 150."""
FIRST_PORT = 1024
"""Below are the ports of services, which no caller's UDP socket has."""

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
"""Where clouds hand their machines credentials (AWS, Google, Azure, Oracle, Alibaba): no caller is there."""


class Contact(IntEnum):
    """How near to the server an address may be; each step allows all before it."""

    PUBLIC = 0
    PRIVATE = 1
    """Also private and shared networks (RFC 1918, 6598, 4193)."""
    LOCAL = 2
    """Also loopback and link-local addresses."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that is contacted: UDP, by address. `foundation` and `priority` as the caller gave them."""

    foundation: str
    priority: int
    address: str
    port: int
    type: str

    def to_sdp(self) -> str:
        """The value of `a=candidate` (RFC 8839, section 5.1), without the related address."""
        return f"{self.foundation} 1 udp {self.priority} {self.address} {self.port} typ {self.type}"


class Candidates:
    """All that one call's caller has named so far."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._seen = 0
        self._contacted: set[tuple[str, int]] = set()
        self.left_out: Counter[str] = Counter()

    def take(self, text: str) -> Candidate | None:
        """Read a candidate, with or without `candidate:`; None when it is not contacted. Raises PeerError."""
        self._seen += 1
        if self._seen > MAX_SEEN:
            raise PeerError(f"A call may name {MAX_SEEN} candidates.")
        candidate, reason = self._read(text.strip().removeprefix("a=").removeprefix("candidate:"))
        if candidate is None:
            self.left_out[reason] += 1
            return None
        self._contacted.add((candidate.address, candidate.port))
        if len(self._contacted) > MAX_CONTACTED:
            raise PeerError(f"A call may have {MAX_CONTACTED} candidates.")
        return candidate

    def leave_out(self, reason: str) -> None:
        """Count one that belongs to nothing that we use."""
        self._seen += 1
        self.left_out[reason] += 1

    def _read(self, text: str) -> tuple[Candidate | None, str]:
        """→ the candidate, or why it is not contacted. Raises PeerError for what is none (RFC 8839, section 5.1)."""
        words = text.split(" ")
        if len(text) > MAX_LENGTH or len(words) < 8 or not all(map(_TOKEN.fullmatch, words)):
            raise PeerError("The ICE candidate is not valid.")
        foundation, component, transport, priority, host, port, typ, kind = words[:8]
        if not all(map(_NUMBER.fullmatch, (component, priority, port))) or typ != "typ" or int(port) > 65_535:
            raise PeerError("The ICE candidate is not valid.")
        if transport.lower() != "udp" or component != "1" or kind not in _TYPES:
            return None, "transport"
        address = _address(host)
        if address is None:
            return None, "name"
        if "%" in host or not may_contact(address, self._contact):  # a zone is one of the caller's machine
            return None, "address"
        if int(port) < FIRST_PORT:
            return None, "port"
        if (str(address), int(port)) in self._contacted:
            return None, "repeated"
        return Candidate(foundation[:32], min(int(priority), 2**31 - 1), str(address), int(port), kind), ""


def may_contact(address: IPv4Address | IPv6Address, contact: Contact) -> bool:
    """Whether a caller can be at `address`; one inside of another (IPv4 in IPv6) is judged as what it holds."""
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
    """The IPv4 address inside of a mapped, compatible, NAT64, 6to4 or Teredo address."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """None for a name. Raises PeerError for what is neither."""
    try:
        return ip_address(host)
    except ValueError:
        if _NAME.fullmatch(host) and not host.replace(".", "").isdigit():
            return None
        raise PeerError("The ICE candidate is not valid.") from None
