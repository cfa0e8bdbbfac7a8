"""Which parts of an offer are used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotAcceptable, PeerError, TooLarge
from server.media.candidates import MAX_CONTACTED, Contact
from server.media.codecs import MAX_CODECS
from server.media.offer import Offer, read_offer
from server.media.sections import MAX_LENGTH, MAX_LINE_LENGTH, MAX_SECTION_LINES, MAX_SECTIONS
from tests.offers import HOST, SEEDS, SHA_256, TRANSPORT, audio, data, offer, video


def read(*sections: list[str], bundle: str | None = None, live: bool = False) -> Offer:
    return read_offer(offer(*sections, bundle=bundle), Contact.LOCAL, live)


def test_audio_and_data_are_used() -> None:
    """The audio section and the data section are used. The candidates are read."""
    found = read(audio("0", HOST, "a=end-of-candidates"), data())
    assert found.audio is not None
    assert found.data is not None
    assert (found.audio.mid, found.data.section.mid, found.data.port) == ("0", "1", 5000)
    assert {number: named.codec.name for number, named in found.codecs.items()} == {111: "opus", 0: "pcmu"}
    assert [contact.port for contact in found.contacts] == [50_000]
    assert (found.mid, found.sends, found.receives) == ("0", True, True)


def test_what_is_outside_of_the_bundle_is_not_used() -> None:
    """A section outside the bundle is not used, because a call has only one transport."""
    assert read(audio("1"), data("2"), bundle="").data is None


def test_the_transport_is_that_of_the_first_in_the_bundle() -> None:
    """Other sections need no transport, and their candidates are not used (RFC 8843, section 7)."""
    first = [line.replace("abcd", "first") for line in video("0", HOST)]
    bare = [
        line for line in audio("1", "a=bundle-only", HOST.replace("50000", "50001"), port=0) if line not in TRANSPORT
    ]
    found = read(first, bare)
    assert found.transport.ufrag == "first"
    assert [contact.port for contact in found.contacts] == [50_000]
    assert found.mid == "0"


def test_a_weak_fingerprint_counts_for_nothing() -> None:
    """A fingerprint by a weak hash is left out. A good one beside it is used."""
    found = read(audio("0", "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)))
    assert found.transport.fingerprints == (("sha-256", SHA_256.split()[1]),)


def test_a_client_that_says_nothing_of_dtls_begins_it() -> None:
    """Without a line about its part, the client is the active side (RFC 4145, section 4)."""
    assert read([line for line in audio() if "setup" not in line]).transport.setup == "active"


def test_a_second_name_is_no_name() -> None:
    """If a section has several mids, the first one counts."""
    found = read(audio("0", "a=mid:9"), data("1"), bundle="0 1")
    assert found.audio is not None
    assert found.audio.mid == "0"


def test_a_caller_who_only_listens_does_not_send() -> None:
    """Whether the client sends is told by the direction of the section, or else by that of the session."""
    assert not read(audio("0", "a=recvonly")).sends
    assert not read(audio("0", "a=inactive")).sends
    assert read(audio("0", "a=sendonly")).sends
    assert not read(audio("0", "a=sendonly")).receives
    assert not read_offer(offer(audio()).replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n"), Contact.LOCAL).sends


@pytest.mark.parametrize(
    ("directions", "used"),
    [
        (["a=recvonly", "a=sendrecv"], "1"),
        (["a=inactive", "a=recvonly"], "1"),
        (["a=recvonly", "a=sendonly"], "1"),
        (["a=sendonly", "a=sendrecv"], "1"),
        (["a=sendrecv", "a=sendrecv"], "0"),
        (["a=inactive", "a=inactive"], "0"),
    ],
)
def test_of_several_sounds_the_one_that_is_sent_counts(directions: list[str], used: str) -> None:
    """A track that was removed and added again leaves an audio section behind, which does not count."""
    found = read(*(audio(str(mid), direction) for mid, direction in enumerate(directions)))
    assert found.audio is not None
    assert found.audio.mid == used


@pytest.mark.parametrize(
    ("formats", "lines", "codecs"),
    [
        ("0 8", [], {0: "pcmu", 8: "pcma"}),
        ("63 0", ["a=rtpmap:63 opus/48000/2"], {63: "opus", 0: "pcmu"}),
        ("72 8", ["a=rtpmap:72 opus/48000/2"], {8: "pcma"}),
        ("111 112", ["a=rtpmap:111 OPUS/48000/2", "a=rtpmap:112 opus/48000/2"], {111: "opus", 112: "opus"}),
        ("100 13 101", ["a=rtpmap:100 PCMA/8000", "a=rtpmap:101 telephone-event/8000"],
         {100: "pcma", 13: "cn", 101: "telephone-event"}),
        ("0 18", ["a=fmtp:18 annexb=no", "a=rtpmap:18"], {0: "pcmu"}),
    ],
)  # fmt: skip
def test_codecs_keep_the_numbers_of_the_client(formats: str, lines: list[str], codecs: dict[int, str]) -> None:
    """Static payload types need no line (RFC 3551). Numbers that would be taken for RTCP are not used (RFC 5761)."""
    found = read([f"m=audio 9 UDP/TLS/RTP/SAVPF {formats}", *TRANSPORT, *lines])
    assert {number: named.codec.name for number, named in found.codecs.items()} == codecs


@pytest.mark.parametrize(
    "line",
    [
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on",
        "a=extmap:1/sendrecv urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:x",
        "a=fmtp:18 annexb=no",
        "a=fmtp:111",
        "a=fmtp",
        "a=rtcp:36273",
        "a=rtcp-fb:* nack",
        "a=ssrc:1234",
        "a=ssrc-group:FID",
        "a=msid:- com.apple.avfoundation:5",
        "a=rid:h send",
        "a=rtpmap:98 x/8000/1/2",
        "a=sctp-port:many",
        "b=AS:x",
        "k=clear:x",
        "i=what is this",
        "a=candidate:1 2 UDP 2013266430 203.0.113.7 46109 typ host",
    ],
)
def test_a_line_that_is_not_used_refuses_nothing(line: str) -> None:
    """Legal lines that we have no use for, and odd ones, are passed over."""
    assert read(audio("0", line), data("1", line)).codecs


def test_the_level_is_found_with_a_direction_and_with_attributes() -> None:
    """The extension with the audio level may have both (RFC 8285, section 5, and RFC 6464, section 4)."""
    level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    assert read(audio("0", f"a=extmap:1 {level} vad=on")).level_id == 1
    assert read(audio("0", f"a=extmap:3/sendrecv {level}")).level_id == 3
    assert read(audio("0", f"a=extmap:15 {level}")).level_id is None


@pytest.mark.parametrize(
    ("change", "same", "restarts"),
    [
        (("a=x", "a=y"), True, False),
        (("o=- 1 2", "o=- 1 3"), True, False),
        (("ufrag:abcd", "ufrag:efgh"), True, True),
        (("o=- 1 2", "o=- 7 2"), True, False),
        (("AB:AB", "AB:CD"), False, False),
    ],
)
def test_an_offer_of_the_same_connection_is_known(change: tuple[str, str], same: bool, restarts: bool) -> None:
    """It has the same certificate, and the same SDP session or the same ICE credentials."""
    before = offer(audio("0", "a=x"), data())
    first, second = (read_offer(sdp, Contact.LOCAL) for sdp in (before, before.replace(*change)))
    assert second.continues(first) is same
    assert second.restarts(first) is restarts


def test_a_certificate_alone_does_not_make_a_connection() -> None:
    """A page may give one certificate to several connections."""
    before = offer(audio(), data())
    other = before.replace("o=- 1 2", "o=- 7 2").replace("ufrag:abcd", "ufrag:efgh")
    assert not read_offer(other, Contact.LOCAL).continues(read_offer(before, Contact.LOCAL))


def test_a_live_call_may_close_its_sound() -> None:
    """A call goes on with its data channel alone, but none begins so."""
    found = read(audio("0", "a=inactive", port=0), data(), live=True)
    assert (found.audio, found.voice, found.receives, found.mid) == (None, None, False, "1")
    with pytest.raises(NotAcceptable):
        read(audio("0", "a=inactive", port=0), data())
    with pytest.raises(NotAcceptable):
        read(audio("0", port=0), live=True)


@pytest.mark.parametrize(
    ("sdp", "error"),
    [
        ("", PeerError),
        ("v=1\r\n", PeerError),
        ("v=0\r\n", NotAcceptable),
        (offer(video()), NotAcceptable),
        (offer(audio(port=0)), NotAcceptable),
        (offer(["m=audio 9 UDP/TLS/RTP/SAVPF 97", "a=rtpmap:97 L16/16000", *TRANSPORT]), NotAcceptable),
        (offer(["m=audio 9 UDP/TLS/RTP/SAVPF 13", *TRANSPORT]), NotAcceptable),
        (offer(*(audio(str(n), port=9 if n == 0 else 0) for n in range(MAX_SECTIONS + 1))), NotAcceptable),
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


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:a"),
        ("m=audio 9", "m=audio 99999"),
        ("v=0", "v=1"),
        ("a=mid:0", "a=mid:a b"),
        (HOST, "a=candidate:nonsense"),
    ],
)
def test_a_refusal_names_the_line(good: str, bad: str) -> None:
    """Whoever reads the refusal finds the line in the offer."""
    with pytest.raises(PeerError) as caught:
        read_offer(offer(audio("0", HOST)).replace(good, bad), Contact.LOCAL)
    assert bad in caught.value.sentence


@given(st.sampled_from(SEEDS), st.data())
def test_any_text_is_an_offer_or_not(seed: str, drawn: st.DataObject) -> None:
    """Any text is either read or refused. An offer that is read has one audio section with a codec of ours."""
    at = drawn.draw(st.integers(0, len(seed)))
    sdp = seed[:at] + drawn.draw(st.text(max_size=40)) + seed[at + drawn.draw(st.integers(0, 40)) :]
    try:
        found = read_offer(sdp, Contact.PRIVATE)
    except PeerError:
        return
    assert found.audio in found.sections
    assert found.voice is not None
