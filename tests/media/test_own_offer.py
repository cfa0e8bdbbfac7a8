"""Our own offer, and the answers to it."""

import pytest
from aiortc.sdp import SessionDescription

from server.errors import NotAcceptable, PeerError
from server.media.candidates import Contact
from server.media.offer import read_offer
from server.media.own_offer import read_answer, write_offer
from tests.media.test_answer import OURS
from tests.offers import audio, offer, video


def test_it_offers_all_that_we_speak() -> None:
    """aiortc reads it as it is meant, and so do we."""
    sdp = write_offer(OURS)
    (read,) = SessionDescription.parse(sdp).media
    assert (read.rtp.muxId, read.direction, read.ssrc[0].ssrc, read.rtcp_mux) == ("0", "sendrecv", 77, True)
    assert [(codec.payloadType, codec.name, codec.clockRate) for codec in read.rtp.codecs] == [
        (111, "opus", 48_000), (9, "G722", 8_000), (0, "PCMU", 8_000), (8, "PCMA", 8_000),
        (110, "telephone-event", 48_000), (126, "telephone-event", 8_000),
    ]  # fmt: skip
    assert read.ice.usernameFragment == "ours"
    assert len(read.ice_candidates) == 1
    ours = read_offer(sdp.replace("CD:EF", ":".join(["CD"] * 32)), Contact.LOCAL)
    assert ours.level_id == 1
    assert ours.codecs[111].uses_copies
    assert ours.voice == (111, ours.codecs[111].codec)


@pytest.mark.parametrize("setup", ["active", "passive", "actpass"])
def test_an_answer_says_who_begins_dtls(setup: str) -> None:
    sdp = offer(audio()).replace("a=setup:actpass", f"a=setup:{setup}")
    if setup == "actpass":
        with pytest.raises(NotAcceptable):
            read_answer(sdp, Contact.LOCAL)
    else:
        assert read_answer(sdp, Contact.LOCAL).transport.setup == setup


@pytest.mark.parametrize(
    "change", [("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 PCMU/8000"), ("m=audio 9", "m=audio 0")]
)
def test_answers_that_cannot_be_used(change: tuple[str, str]) -> None:
    sdp = offer(audio()).replace("a=setup:actpass", "a=setup:active")
    assert change[0] in sdp
    with pytest.raises(PeerError):
        read_answer(sdp.replace(*change), Contact.LOCAL)
    with pytest.raises(PeerError):
        read_answer(offer(video()), Contact.LOCAL)
