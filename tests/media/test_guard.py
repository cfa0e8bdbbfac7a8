import os

import pytest
from aioice import stun

from server.media.guard import Kind, is_rtcp, kind_of, names, transaction_of


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (0, Kind.STUN), (3, Kind.STUN), (4, None), (19, None), (20, Kind.DTLS), (63, Kind.DTLS), (64, None), (79, None),
        (127, None), (128, Kind.SRTP), (191, Kind.SRTP), (192, None), (255, None),
    ],
)  # fmt: skip
def test_kinds(first: int, kind: Kind | None) -> None:
    """The first byte tells the protocol of a datagram (RFC 7983, section 7). TURN and ZRTP are not used by a call."""
    assert kind_of(bytes([first])) is kind


@pytest.mark.parametrize(
    ("second", "control"), [(111, False), (191, False), (192, True), (200, True), (223, True), (224, False)]
)
def test_rtcp_shares_the_port(second: int, control: bool) -> None:
    """The second byte tells RTCP from RTP (RFC 5761, section 4)."""
    assert is_rtcp(bytes([0x80, second])) is control
    assert not is_rtcp(b"\x80")


def message(kind: stun.Class, user: str = "abcd:efgh") -> tuple[bytes, bytes]:
    made = stun.Message(message_method=stun.Method.BINDING, message_class=kind, transaction_id=os.urandom(12))
    made.attributes["USERNAME"] = user
    return bytes(made), made.transaction_id


def test_a_check_names_us() -> None:
    """A STUN request that carries our user name first is for us. Other requests and other datagrams are not."""
    request, _ = message(stun.Class.REQUEST)
    assert names(request, b"abcd")
    assert not names(request, b"efgh")
    assert not names(b"\0\1" + bytes(18) + b"abcd:", b"abcd")
    assert not names(b"abcd:", b"abcd")
    assert transaction_of(request) is None


@pytest.mark.parametrize("kind", [stun.Class.RESPONSE, stun.Class.ERROR])
def test_a_response_has_its_transaction(kind: stun.Class) -> None:
    """A response has a transaction id, by which we know the answers to our own checks."""
    data, transaction = message(kind)
    assert transaction_of(data) == transaction
    assert transaction_of(data[:19]) is None
