"""What an answer has for each section of its offer."""

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from server.errors import PeerError
from server.media.answer import Ours, write_answer
from server.media.candidates import Contact
from server.media.offer import read_offer
from tests.offers import SEEDS, TRANSPORT, audio, data, offer, video

OURS = Ours(
    ufrag="ours", password="o" * 22, fingerprints=(("sha-256", "CD:EF"),), setup="active",
    candidates=("1 1 udp 1 192.0.2.1 40000 typ host",), host="192.0.2.1", port=40_000, session=5, version=2,
    stream="s", track="t", ssrc=77, cname="c",
)  # fmt: skip


def answer(*sections: list[str], bundle: str | None = None, live: bool = False) -> list[str]:
    return write_answer(read_offer(offer(*sections, bundle=bundle), Contact.LOCAL, live), OURS).splitlines()


def media(lines: list[str]) -> list[str]:
    """The first line of each section."""
    return [line for line in lines if line.startswith("m=")]


def test_sections_that_are_used_have_our_transport() -> None:
    """Audio and data are answered under the client's names and numbers. aiortc reads the answer as it is meant."""
    lines = answer(audio(), data())
    assert media(lines) == [
        "m=audio 40000 UDP/TLS/RTP/SAVPF 111 0",
        "m=application 40000 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert "o=- 5 2 IN IP4 0.0.0.0" in lines
    assert "a=group:BUNDLE 0 1" in lines
    read = SessionDescription.parse("\r\n".join(lines) + "\r\n").media
    assert [(m.rtp.muxId, m.ice.usernameFragment, m.dtls.role, len(m.ice_candidates)) for m in read] == [
        ("0", "ours", "client", 1), ("1", "ours", "client", 1),
    ]  # fmt: skip
    assert [(codec.payloadType, codec.name) for codec in read[0].rtp.codecs] == [(111, "opus"), (0, "PCMU")]
    assert (read[0].direction, read[0].ssrc[0].ssrc, read[0].rtcp_mux) == ("sendrecv", 77, True)


def test_video_in_the_bundle_is_idle() -> None:
    """A video section in the bundle is not used. The answer has it as inactive, with the transport of the bundle."""
    lines = answer(audio("1"), video("0"), data("2"))
    assert media(lines)[1] == "m=video 9 UDP/TLS/RTP/SAVPF 96 97"
    assert "a=group:BUNDLE 1 0 2" in lines
    assert lines.count("a=inactive") == 1
    assert lines.count("a=ice-ufrag:ours") == 3


@pytest.mark.parametrize(
    "unwanted",
    [video("7", port=0), data("7"), audio("7", port=0), ["m=text 9 RTP/AVP 98", "a=mid:7"]],
)
def test_what_is_closed_or_unknown_is_rejected(unwanted: list[str]) -> None:
    """Such a section is rejected with port 0, at its place in the answer, and is not in the bundle."""
    lines = answer(audio("1"), data("2"), unwanted)
    assert media(lines)[2].split()[1] == "0"
    assert "a=group:BUNDLE 1 2" in lines


def test_what_is_outside_of_the_bundle_is_rejected() -> None:
    """A section outside the bundle is not used, because a call has only one transport."""
    lines = answer(audio("1"), data("2"), bundle="")
    assert [line.split()[1] for line in media(lines)] == ["40000", "0"]
    assert not any(line.startswith("a=group") for line in lines[:5] if line != "a=group:BUNDLE ")


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_the_direction_is_turned_round(offered: str, answered: str) -> None:
    """What the client sends we receive."""
    assert f"a={answered}" in answer(audio("0", f"a={offered}"))


def test_a_second_sound_is_inactive() -> None:
    """The section of a removed track is kept, but nothing goes through it."""
    lines = answer(audio("0", "a=recvonly"), data(), audio("2"))
    assert [line.split()[1] for line in media(lines)] == ["9", "40000", "40000"]
    assert [line for line in lines if line in ("a=inactive", "a=sendrecv")] == ["a=inactive", "a=sendrecv"]


def test_an_old_data_section_is_answered_in_its_own_form() -> None:
    """Before RFC 8841, the port of SCTP stood in the first line."""
    old = ["m=application 9 DTLS/SCTP 5000", "a=mid:1", "a=sctpmap:5000 webrtc-datachannel 1024", *TRANSPORT]
    lines = answer(audio(), old)
    assert media(lines)[1] == "m=application 40000 DTLS/SCTP 5000"
    assert "a=sctpmap:5000 webrtc-datachannel 65535" in lines


@given(st.sampled_from(SEEDS), st.data())
def test_every_section_of_any_offer_is_answered(seed: str, drawn: st.DataObject) -> None:
    """An answer has as many sections as its offer, and aiortc can read it."""
    at = drawn.draw(st.integers(0, len(seed)))
    sdp = seed[:at] + drawn.draw(st.text(max_size=40)) + seed[at + drawn.draw(st.integers(0, 40)) :]
    try:
        found = read_offer(sdp, Contact.PRIVATE)
    except PeerError:
        return
    written = write_answer(found, OURS)
    assert len(media(written.splitlines())) == len(found.sections)
