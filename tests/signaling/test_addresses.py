"""From where a request comes, when proxies may have passed it on."""

from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signaling.addresses import UNKNOWN, Proxies

NEAR = "10.0.0.1"
"""A proxy that is trusted."""
TRUSTED = ("10.0.0.0/24", "2001:db8:ffff::/48")
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
LOCAL = [("Host", "127.0.0.1:8080")]


@dataclass
class Asked:
    """A request as far as addresses are concerned."""

    remote: str | None
    lines: list[tuple[str, str]] = field(default_factory=list)
    version: tuple[int, int] = (1, 1)
    scheme: str = "http"

    @property
    def headers(self) -> CIMultiDict[str]:
        return CIMultiDict(self.lines)


def address(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = TRUSTED) -> str:
    """The address of a caller whose request has these lines of X-Forwarded-For."""
    return Proxies(trusted).address_of(Asked(peer, [("X-Forwarded-For", line) for line in forwarded]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        (NEAR, ["203.0.113.9"], "203.0.113.9"),
        (NEAR, ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (NEAR, ["203.0.113.9, 10.0.0.2, 10.0.0.3"], "203.0.113.9"),
        (NEAR, ["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (NEAR, ["198.51.100.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (NEAR, ["203.0.113.9", ""], "203.0.113.9"),
        (NEAR, ["203.0.113.9,, "], "203.0.113.9"),
        (NEAR, [", ".join(["198.51.100.1"] * 98 + ["203.0.113.9", "10.0.0.2"])], "203.0.113.9"),
        (NEAR, [", ".join(["10.0.0.2"] * 100)], "10.0.0.2"),
        (NEAR, ["203.0.113.9:4711"], "203.0.113.9"),
        (NEAR, ["[2001:db8:1:2:3:4:5:6]:4711"], "2001:db8:1:2::/64"),
        (NEAR, ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"),
        (NEAR, ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (NEAR, ["2001:db8:1:2::9, 2001:db8:ffff:1::1"], "2001:db8:1:2::/64"),
        (NEAR, ["::ffff:203.0.113.9"], "203.0.113.9"),
        (NEAR, ["64:ff9b::203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:ffff::1", ["203.0.113.9"], "203.0.113.9"),
        ("fe80::1%eth0", [], "fe80::/64"),
        # Without a header that can be read, the peer itself counts.
        (NEAR, [], NEAR),
        (NEAR, [""], NEAR),
        (NEAR, ["unknown"], NEAR),
        (NEAR, ["203.0.113.9, unknown"], NEAR),
        (NEAR, ["203.0.113.9, _hidden"], NEAR),
        (NEAR, ["203.0.113.999"], NEAR),
        (NEAR, ["203.0.113.9:port"], NEAR),
        (NEAR, ["[2001:db8::1"], "2001:db8::/64"),
        (NEAR, ["[2001:db8::1]x"], NEAR),
        (NEAR, ["203.0.113.9;"], NEAR),
        (NEAR, ["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        # A peer that is not trusted can write what it likes.
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1, 10.0.0.2"], "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", ["198.51.100.1"], "2001:db8:1:2::/64"),
        (None, ["198.51.100.1"], UNKNOWN),
        ("", [], UNKNOWN),
    ],
)
def test_the_caller_is_the_last_address_that_is_not_a_trusted_proxy(
    peer: str | None, forwarded: list[str], caller: str
) -> None:
    """Only what trusted proxies have written is believed."""
    assert address(peer, *forwarded) == caller


@given(peer=ADDRESSES, forwarded=st.lists(st.text(max_size=40), max_size=5))
def test_a_peer_that_is_not_trusted_is_the_caller_whatever_it_writes(peer: object, forwarded: list[str]) -> None:
    """Nothing in a header makes an untrusted peer another caller."""
    alone = address(str(peer), trusted=())
    assert address(str(peer), *forwarded, trusted=()) == alone


@given(caller=ADDRESSES, written=st.text(max_size=60), proxies=st.lists(st.integers(2, 254), max_size=5))
def test_a_caller_cannot_choose_its_address(caller: object, written: str, proxies: list[int]) -> None:
    """Whatever a caller writes into the header, the proxies add its address behind, and this one counts."""
    alone = address(str(caller), trusted=())
    assume(not alone.startswith(("10.0.0.", "2001:db8:ffff:")))
    added = ", ".join([str(caller), *(f"10.0.0.{number}" for number in proxies)])
    assert address(NEAR, f"{written}, {added}") == address(NEAR, written, added) == alone


@given(st.lists(st.text(max_size=200), max_size=9))
def test_any_header_gives_an_address(forwarded: list[str]) -> None:
    """However malformed a header is, there is one address by which the caller counts."""
    assert address(NEAR, *forwarded)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_network_are_one_caller(first: int, second: int) -> None:
    """An IPv6 caller has a whole /64, so it counts as one."""
    assert len({address(str(ip_address((0x2001_0DB8_0001_0002 << 64) + host))) for host in (first, second)}) == 1


@pytest.mark.parametrize(
    ("asked", "here"),
    [
        (Asked("127.0.0.1", LOCAL), True),
        (Asked("127.0.0.1", [("Host", "127.0.0.1")]), True),
        (Asked("127.0.0.1", [("Host", "localhost:8080"), ("Origin", "http://localhost:8080")]), True),
        (Asked("::1", [("Host", "[::1]:8080"), ("Connection", "keep-alive")]), True),
        (Asked("::ffff:127.0.0.1", LOCAL), True),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "Upgrade"), ("Upgrade", "websocket")]), True),
        (Asked("127.0.0.1", LOCAL, version=(1, 0)), False),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "close")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "upgrade")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("X-Forwarded-For", "203.0.113.9")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("x-forwarded-proto", "https")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("X-Real-Ip", "203.0.113.9")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("Forwarded", "for=203.0.113.9")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("Via", "1.1 caddy")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("Origin", "https://example.org")]), False),
        (Asked("127.0.0.1", [*LOCAL, ("Origin", "null")]), False),
        (Asked("127.0.0.1", [("Host", "example.org")]), False),
        (Asked("127.0.0.1", [("Host", "localhost.example.org")]), False),
        (Asked("127.0.0.1", []), False),
        (Asked("192.168.1.2", LOCAL), False),
        (Asked(None, LOCAL), False),
    ],
)
def test_only_what_looks_like_no_proxy_is_here(asked: Asked, here: bool) -> None:
    """A program on this machine is told from a proxy on it by everything that a proxy may show."""
    assert Proxies().is_here(asked) is here
    assert not Proxies(["203.0.113.7"]).is_here(asked), "where proxies are trusted, nothing is certain"


@pytest.mark.parametrize(
    ("asked", "origin"),
    [
        (Asked(NEAR, [("Host", "Example.org")]), ("http", "example.org")),
        (Asked(NEAR, [("Host", "a:8080"), ("X-Forwarded-Proto", "https")]), ("https", "a:8080")),
        (Asked(NEAR, [("Host", "a:443"), ("X-Forwarded-Proto", "https")]), ("https", "a")),
        (Asked(NEAR, [("Host", "a:80")]), ("http", "a")),
        (Asked(NEAR, [("Host", "a"), ("X-Forwarded-Host", "b, c"), ("X-Forwarded-Proto", "wss")]), ("https", "b")),
        (Asked(NEAR, [("Host", "a"), ("X-Forwarded-Proto", "ftp")]), ("http", "a")),
        (Asked("203.0.113.7", [("Host", "a"), ("X-Forwarded-Host", "b")]), ("http", "a")),
        (Asked("203.0.113.7", [("Host", "a"), ("X-Forwarded-Proto", "https")]), ("http", "a")),
        (Asked("203.0.113.7", [("Host", "a")], scheme="https"), ("https", "a")),
        (Asked(None, []), ("http", "")),
    ],
)
def test_the_origin_is_that_of_the_browser(asked: Asked, origin: tuple[str, str]) -> None:
    """A trusted proxy tells by which scheme and host the browser knows this server."""
    assert Proxies(TRUSTED).origin_of(asked) == origin


@pytest.mark.parametrize(
    ("asked", "proxy"),
    [
        (Asked("127.0.0.1", [("X-Forwarded-For", "203.0.113.9")]), "127.0.0.1"),
        (Asked("172.17.0.1", [("Via", "1.1 caddy")]), "172.17.0.1"),
        (Asked("127.0.0.1", LOCAL, version=(1, 0)), "127.0.0.1"),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "Upgrade")]), "127.0.0.1"),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "Upgrade"), ("Upgrade", "websocket")]), ""),
        (Asked("127.0.0.1", [*LOCAL, ("Connection", "close")]), ""),
        (Asked("8.8.8.8", [("X-Forwarded-For", "203.0.113.9")]), ""),
        (Asked(NEAR, [("X-Forwarded-For", "203.0.113.9")]), ""),
        (Asked("192.168.1.2", LOCAL), ""),
    ],
)
def test_a_proxy_that_nobody_has_named_is_noticed(asked: Asked, proxy: str) -> None:
    """A proxy in a private network whose operator has forgotten to name it. Strangers cannot pretend to be one."""
    assert Proxies(TRUSTED).unnamed_proxy(asked) == proxy


def test_a_trusted_proxy_is_an_address_or_a_network() -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="proxy"):
        Proxies(["proxy.example.org"])
