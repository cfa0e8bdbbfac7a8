"""Which parts of an offer are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotAcceptable, PeerError, TooLarge
from server.media.candidates import MAX_CONTACTED, Contact
from server.media.offer import MAX_CODECS, MAX_LENGTH, MAX_LINE_LENGTH, MAX_SECTION_LINES, Offer, read_offer
from tests.offers import HOST, SEEDS, TRANSPORT, audio, data, offer, video

ANSWER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 1 2\r\n"
    "m=audio 5 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=ice-ufrag:ours\r\n"
    "m=application 5 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
)


def read(*sections: list[str], bundle: str | None = None) -> Offer:
    return read_offer(offer(*sections, bundle=bundle), Contact.LOCAL)


def sections(sdp: str) -> list[str]:
    """The first line of each section."""
    return [line for line in sdp.splitlines() if line.startswith("m=")]


def test_audio_and_data_are_used() -> None:
    """The audio section and the data section are used with their attributes. The candidates are taken out."""
    read_one = read(audio("0", HOST, "a=end-of-candidates"), data())
    assert [line.split()[0] for line in sections(read_one.sdp)] == ["m=audio", "m=application"]
    assert "a=rtpmap:111 opus/48000/2" in read_one.sdp
    assert "candidate" not in read_one.sdp
    assert [contact.port for contact in read_one.contacts] == [50_000]
    assert (read_one.mid, read_one.sends) == ("0", True)


def test_video_in_the_bundle_is_idle() -> None:
    """A video section in the bundle is not used. The answer has it as inactive, with the transport of the bundle."""
    read_one = read(audio("1"), video("0"), data("2"))
    assert "m=video" not in read_one.sdp
    found = read_one.completed(ANSWER)
    assert sections(found) == [
        "m=audio 5 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "m=application 5 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert "a=group:BUNDLE 1 0 2\r\n" in found
    assert found.count("a=inactive") == 1
    assert found.count("a=ice-ufrag:ours") == 2


@pytest.mark.parametrize(
    "unwanted",
    [video("7", port=0), data("7"), audio("7", port=0), ["m=text 9 RTP/AVP 98", "a=mid:7"]],
)
def test_what_is_closed_or_unknown_is_rejected(unwanted: list[str]) -> None:
    """Such a section is rejected with port 0, at its place in the answer, and is not in the bundle."""
    found = read(audio("1"), data("2"), unwanted).completed(ANSWER)
    assert sections(found)[2].split()[1] == "0"
    assert "a=group:BUNDLE 1 2\r\n" in found


def test_what_is_outside_of_the_bundle_is_rejected() -> None:
    """A section outside the bundle is not used, because a call has only one transport."""
    read_one = read(audio("1"), data("2"), bundle="")
    assert [line.split()[0] for line in sections(read_one.sdp)] == ["m=audio"]


def test_the_transport_is_that_of_the_first_in_the_bundle() -> None:
    """Other sections need no transport, and their candidates are not used (RFC 8843, section 7)."""
    first = [line.replace("abcd", "first") for line in video("0", HOST)]
    bare = [
        line for line in audio("1", "a=bundle-only", HOST.replace("50000", "50001"), port=0) if line not in TRANSPORT
    ]
    read_one = read(first, bare)
    assert "a=ice-ufrag:first" in read_one.sdp
    assert [contact.port for contact in read_one.contacts] == [50_000]
    assert read_one.mid == "0"


def test_a_weak_fingerprint_counts_for_nothing() -> None:
    """A fingerprint by a weak hash is left out. A good one beside it is used."""
    read_one = read(audio("0", "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)))
    assert "sha-1 " not in read_one.sdp
    assert read_one.sdp.count("a=fingerprint:sha-256") == 1


def test_a_second_name_is_no_name() -> None:
    """If a section has several mids, the first one counts, and only that one is written."""
    read_one = read(audio("0", "a=mid:9"), data("1"), bundle="0 1")
    assert [line for line in read_one.sdp.splitlines() if line.startswith("a=mid:")] == ["a=mid:0", "a=mid:1"]


def test_a_caller_who_only_listens_does_not_send() -> None:
    """Whether the client sends is told by the direction of the section, or else by that of the session."""
    assert not read(audio("0", "a=recvonly")).sends
    assert not read(audio("0", "a=inactive")).sends
    assert read(audio("0", "a=sendonly")).sends
    assert not read_offer(offer(audio()).replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n"), Contact.LOCAL).sends


@pytest.mark.parametrize(
    ("sdp", "error"),
    [
        ("", PeerError),
        ("v=1\r\n", PeerError),
        ("v=0\r\n", NotAcceptable),
        (offer(video()), NotAcceptable),
        (offer(audio(port=0)), NotAcceptable),
        (offer(audio("0"), audio("1")), NotAcceptable),
        (offer(["m=audio 9 UDP/TLS/RTP/SAVPF 9", "a=rtpmap:9 G722/8000", *TRANSPORT]), NotAcceptable),
        (offer(*(audio(str(n), port=9 if n == 0 else 0) for n in range(9))), NotAcceptable),
        (offer(audio("0"), data("0")), PeerError),
        (offer(audio("a b")), PeerError),
        (offer([line for line in audio() if "fingerprint" not in line]), PeerError),
        (offer([line.replace("sha-256", "sha-1") for line in audio()]), PeerError),
        (offer([line.replace("abcd", "abc") for line in audio()]), PeerError),
        (offer([line.replace("actpass", "holdconn") for line in audio()]), PeerError),
        (offer(audio()) + "a=\0\r\n", PeerError),
        (offer(audio()) + "a=x\u2028a=y\r\n", PeerError),
        (offer(audio()).replace("m=audio 9 ", "m=audio 99999 "), PeerError),
        (offer(audio()).replace("m=audio 9 ", "m=audio  "), PeerError),
        (offer(audio("0", *[HOST.replace("50000", str(50_000 + n)) for n in range(MAX_CONTACTED + 1)])), PeerError),
        (offer(audio("0", "a=candidate:nonsense")), PeerError),
        (offer(audio("0", *[f"a=rtpmap:{n} x/8000" for n in range(MAX_CODECS)])), TooLarge),
        (offer(audio("0", *["a=x"] * MAX_SECTION_LINES)), TooLarge),
        (offer(audio("0", "a=" + "x" * MAX_LINE_LENGTH)), TooLarge),
        (offer(audio()) + "a=x\r\n" * MAX_LENGTH, TooLarge),
    ],
)
def test_what_cannot_be_answered_is_refused(sdp: str, error: type[PeerError]) -> None:
    """An offer that cannot be answered is refused with the error for what is wrong."""
    with pytest.raises(PeerError) as caught:
        read_offer(sdp, Contact.LOCAL)
    assert type(caught.value) is error


@given(st.sampled_from(SEEDS), st.data())
def test_any_text_is_an_offer_or_not(seed: str, drawn: st.DataObject) -> None:
    """Any text is either read or refused. An offer that is read has one audio section and no candidates."""
    at = drawn.draw(st.integers(0, len(seed)))
    sdp = seed[:at] + drawn.draw(st.text(max_size=40)) + seed[at + drawn.draw(st.integers(0, 40)) :]
    try:
        found = read_offer(sdp, Contact.PRIVATE)
    except PeerError:
        return
    assert len([line for line in sections(found.sdp) if line.startswith("m=audio")]) == 1
    assert len(sections(found.sdp)) <= 2
    assert "a=candidate" not in found.sdp
    assert len(sections(found.completed(ANSWER))) >= 1
