"""Addresses: from where a request comes, when proxies may have passed it on. Pure.

A proxy adds the address of its client to the header X-Forwarded-For, behind what it has received. Whoever sends a
request can write anything into that header. So it is read from its end, and only as far as trusted proxies have written
it: the caller is the last address that is not a trusted proxy.

The header Forwarded (RFC 7239) is not read. Few proxies write it, and one that does not write it passes on what its
client has written.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

UNKNOWN = "unknown"
"""The address of a caller whose connection has none, such as one on a Unix socket. All of them count as one."""
IPV6_PREFIX = 64
"""How many bits of an IPv6 address count. One customer of a provider has at least a /64, with all addresses in it."""
LOCAL_NAME = "localhost"
PASSED_ON = "Antiphon-Passed-On"
"""The header with which a worker of a cluster passes a request on to another one (`server.cluster.seal`)."""
TRIED_AGAIN = "Antiphon-Tried-Again"
"""The header of a request that the door of a cluster tries at another worker when this one answers 503."""

_NAT64 = IPv6Network("64:ff9b::/96")
_SIGNS = ("forwarded", "via", "x-real-ip")
_SIGN_PREFIX = "x-forwarded-"
"""Headers that only proxies write: these names, and all names that begin with the prefix."""
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""X-Forwarded-Proto → the scheme of the page's origin. Some proxies write ws and wss for WebSockets."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Headers(Protocol):
    """The headers of a request. Upper and lower case of a name are the same."""

    def __iter__(self) -> Iterator[str]: ...

    def get(self, name: str, default: str, /) -> str: ...

    def getall(self, name: str, default: list[str], /) -> list[str]: ...


class Request(Protocol):
    """The part of an HTTP request that is read here; aiohttp's requests have it."""

    @property
    def remote(self) -> str | None:
        """The address of the TCP peer."""

    @property
    def version(self) -> tuple[int, int]: ...

    @property
    def scheme(self) -> str: ...

    @property
    def headers(self) -> Headers: ...


class Proxies:
    """The proxies that the operator trusts."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """`trusted` has addresses and networks, such as 127.0.0.1 and 10.0.0.0/24. Raises ValueError."""
        self._trusted = [ip_network(text) for text in trusted]

    def address_of(self, request: Request) -> str:
        """The address by which the limits of a caller count: an IPv4 address, or the /64 network of an IPv6 address."""
        return _counted(self._caller(request))

    def is_here(self, request: Request) -> bool:
        """Whether the request certainly comes from this machine, and through no proxy.

        A proxy on this machine has the same address as a program on it. So nothing may look like a proxy: no header
        that proxies write, HTTP/1.1, and a page and a host that only this machine has. With a trusted proxy no request
        is certain, because the proxy may be on this machine. A proxy that writes no such header, keeps HTTP/1.1 and
        replaces the host by its own address cannot be told from a program: an operator has to name it.
        """
        peer = _read(request.remote or "")
        if self._trusted or peer is None or not peer.is_loopback or _passed_on(request):
            return False
        if request.headers.get(PASSED_ON, ""):
            return False  # it was here at another worker, which may be another machine
        if request.headers.get("Connection", "").lower() == "close":
            return False  # many proxies make a connection for each request, and hardly a program does
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
        return _is_local(host) and (not origin or _is_local(_host(origin)))

    def origin_of(self, request: Request) -> tuple[str, str]:
        """The scheme and the host (with the port if it is not the scheme's own) by which the browser knows this server.

        A trusted proxy tells them in X-Forwarded-Proto and X-Forwarded-Host.
        """
        scheme, host = request.scheme, request.headers.get("Host", "")
        if self._trusts(_read(request.remote or "")):
            scheme = _SCHEMES.get(_first(request, "X-Forwarded-Proto").lower(), scheme)
            host = _first(request, "X-Forwarded-Host") or host
        return scheme, host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, " "))

    def unnamed_proxy(self, request: Request) -> str:
        """The address of a proxy that the operator has probably forgotten to name. "" if there seems to be none."""
        peer = _read(request.remote or "")
        if peer is None or self._trusts(peer) or peer.is_global or not _passed_on(request):
            return ""
        return str(peer)

    def _caller(self, request: Request) -> Address | None:
        """The last address that is not a trusted proxy, or the farthest trusted proxy that is known."""
        address = _read(request.remote or "")
        for text in _backwards(request, "X-Forwarded-For"):
            if not self._trusts(address) or (before := _read(text)) is None:
                break
            address = before
        return address

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _passed_on(request: Request) -> bool:
    """Whether a proxy has certainly passed the request on.

    Only proxies still speak HTTP/1.0, and only a proxy that is set up for WebSockets asks for an upgrade to nothing.
    """
    names = {name.lower() for name in request.headers}
    upgrade = request.headers.get("Connection", "").lower() == "upgrade" and "upgrade" not in names
    return request.version < (1, 1) or upgrade or any(n in _SIGNS or n.startswith(_SIGN_PREFIX) for n in names)


def _counted(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return UNKNOWN if address is None else str(address)


def _backwards(request: Request, header: str) -> Iterator[str]:
    """The parts of a header that is a list, the last one first. Several lines are one list (RFC 9110, section 5.3)."""
    parts = ",".join(request.headers.getall(header, [])).split(",")
    return (text for part in reversed(parts) if (text := part.strip()))


def _first(request: Request, header: str) -> str:
    """The first part of a header that is a list, written by the proxy next to the browser. "" if there is none."""
    return request.headers.get(header, "").partition(",")[0].strip()


def _read(text: str) -> Address | None:
    """Read an address, with or without a port. None if it is not an address.

    An IPv4 address inside an IPv6 address (mapped, or of a NAT64) counts as that IPv4 address.
    """
    try:
        address = ip_address(_without_port(text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address
    return address


def _without_port(text: str) -> str:
    """`[2001:db8::1]:80` → `2001:db8::1`, `203.0.113.9:80` → `203.0.113.9`. Other text is returned as it is."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
        rest = colon + port
    else:
        return text
    return host if not rest or (rest.startswith(":") and rest[1:].isdecimal()) else text


def _is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by its very name."""
    if _without_port(host).lower() == LOCAL_NAME:
        return True
    address = _read(host)
    return address is not None and address.is_loopback


def _host(origin: str) -> str:
    """The host and port of an origin. "" if it has none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
