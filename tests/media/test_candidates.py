"""Which addresses of a client are contacted."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import PeerError
from server.media.candidates import MAX_CONTACTED, MAX_SEEN, Candidates, Contact, may_contact

NEVER = """
    0.0.0.0 0.1.2.3 255.255.255.255 224.0.0.1 239.255.255.250 240.0.0.1 :: ff02::1 ff05::2
    169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd20:ce::254
    ::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:224.0.0.1 ::ffff:255.255.255.255 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1
""".split()
LOCAL = """
    127.0.0.1 127.8.8.8 ::1 169.254.3.4 fe80::1 ::ffff:127.0.0.1 ::ffff:169.254.3.4 ::127.0.0.1 64:ff9b::7f00:1
    2002:7f00:1::
""".split()
PRIVATE = "10.0.0.1 172.16.9.9 192.168.1.1 100.64.0.1 fd12::1 ::ffff:10.0.0.1".split()
PUBLIC = "8.8.8.8 203.0.114.9 2a00:1450:4001::1 ::ffff:8.8.8.8".split()


@pytest.mark.parametrize(
    ("address", "nearest"),
    [
        *((address, None) for address in NEVER),
        *((address, Contact.LOCAL) for address in LOCAL),
        *((address, Contact.PRIVATE) for address in PRIVATE),
        *((address, Contact.PUBLIC) for address in PUBLIC),
    ],
)
def test_an_address_is_contacted_from_its_step_on(address: str, nearest: Contact | None) -> None:
    """An address is contacted from its own step on, also if it is an IPv4 address inside an IPv6 address."""
    allowed = [contact for contact in Contact if may_contact(ip_address(address), contact)]
    assert allowed == ([] if nearest is None else [contact for contact in Contact if contact >= nearest])


@given(st.ip_addresses())
def test_a_step_allows_all_that_the_one_before_does(address: object) -> None:
    """Each step allows all addresses of the step before it. No address makes `may_contact` raise."""
    public, private, local = (may_contact(address, contact) for contact in Contact)  # type: ignore[arg-type]
    assert public <= private <= local


def test_a_candidate_is_read_and_written() -> None:
    """A candidate is read with or without `a=` and `candidate:`. It is written without the related address."""
    text = "1467250027 1 udp 2122260223 203.0.114.9 46243 typ srflx raddr 10.0.0.1 rport 9 generation 0"
    for form in (text, f"candidate:{text}", f"a=candidate:{text}"):
        candidate = Candidates(Contact.PUBLIC).take(form)
        assert candidate is not None
        assert candidate.to_sdp() == "1467250027 1 udp 2122260223 203.0.114.9 46243 typ srflx"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 1 tcp 1 203.0.114.9 9 typ host tcptype active", "transport"),
        ("1 2 udp 1 203.0.114.9 5000 typ host", "transport"),
        ("1 1 udp 1 203.0.114.9 5000 typ moon", "transport"),
        ("1 1 udp 1 4d1e-a1.local 5000 typ host", "name"),
        ("1 1 udp 1 127.0.0.1 5000 typ host", "address"),
        ("1 1 udp 1 fe80::1%eth0 5000 typ host", "address"),
        ("1 1 udp 1 203.0.114.9 53 typ host", "port"),
    ],
)
def test_what_is_not_contacted_is_counted(text: str, reason: str) -> None:
    """A candidate that is not contacted is counted by its reason. It is not an error of the client."""
    candidates = Candidates(Contact.PRIVATE)
    assert candidates.take(text) is None
    assert candidates.left_out == {reason: 1}


def test_an_address_is_contacted_once() -> None:
    """If an address is repeated, it is counted and not contacted again."""
    candidates = Candidates(Contact.PUBLIC)
    assert candidates.take("1 1 udp 1 203.0.114.9 5000 typ host") is not None
    assert candidates.take("2 1 udp 7 203.0.114.9 5000 typ srflx") is None
    assert candidates.left_out == {"repeated": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "1 1 udp 1 203.0.114.9 5000 typ",
        "1 1 udp x 203.0.114.9 5000 typ host",
        "1 1 udp 1 203.0.114.9 70000 typ host",
        "1 1 udp 1 203.0.114.9 5000 pyt host",
        "1 1 udp 1 999.0.0.1 5000 typ host",
        "1 1 udp 1 [::1] 5000 typ host",
        "1 1 udp ٣ 203.0.114.9 5000 typ host",
        "1 1 udp 1 203.0.114.9 5000 typ host\r\na=ice-lite",
        "1 1 udp 1 203.0.114.9 5000 typ host " + "x" * 600,
    ],
)
def test_garbage_is_refused(text: str) -> None:
    """Text that is not a candidate is an error of the client."""
    with pytest.raises(PeerError):
        Candidates(Contact.LOCAL).take(text)


def test_a_call_contacts_a_limited_number() -> None:
    """A call may not have more addresses than the limit, and may not send more candidates than the limit."""
    candidates = Candidates(Contact.PUBLIC)
    for port in range(MAX_CONTACTED):
        assert candidates.take(f"1 1 udp 1 203.0.114.9 {5000 + port} typ host") is not None
    with pytest.raises(PeerError):
        candidates.take("1 1 udp 1 203.0.114.9 4999 typ host")
    names = Candidates(Contact.PUBLIC)
    for _ in range(MAX_SEEN):
        names.take("1 1 udp 1 a.local 5000 typ host")
    with pytest.raises(PeerError):
        names.take("1 1 udp 1 a.local 5000 typ host")
    with pytest.raises(PeerError):
        names.leave_out("section")


def test_a_zone_is_not_contacted() -> None:
    """An address with a zone is not contacted: the zone names an interface of another machine (RFC 4007) or nothing."""
    assert Candidates(Contact.LOCAL).take("1 1 udp 1 fe80::1%eth0 5000 typ host") is None


@given(
    st.text()
    | st.lists(st.sampled_from("1 udp typ host 10.0.0.1 ::1 a.local 5000 99999999999 \0 é".split())).map(" ".join)
)
def test_any_text_is_a_candidate_or_not(text: str) -> None:
    """Any text is either read or refused. If it is contacted, its address is one that may be contacted."""
    try:
        candidate = Candidates(Contact.PRIVATE).take(text)
    except PeerError:
        return
    if candidate is not None:
        assert may_contact(ip_address(candidate.address), Contact.PRIVATE)
