import pytest

from server.media.fmtp import uses_copies, written


@pytest.mark.parametrize(
    ("offered", "uses"),
    [
        ({"minptime": 10, "useinbandfec": 1}, True),
        ({"useinbandfec": "1"}, True),
        ({"useinbandfec": 0}, False),
        ({"useinbandfec": "yes"}, False),
        ({"useinbandfec": None}, False),
        ({}, False),
    ],
)
def test_a_client_says_whether_it_uses_copies(offered: dict[str, object], uses: bool) -> None:
    """A client that says nothing does not use them (RFC 7587, section 6.1)."""
    assert uses_copies(offered) is uses


def test_our_answer_asks_for_copies() -> None:
    """The answer has our parameters after the line of Opus, for its payload type, and for no other codec."""
    answer = "m=audio 9 UDP/TLS/RTP/SAVPF 109 0\r\na=rtpmap:109 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"
    assert written(answer) == answer.replace(
        "opus/48000/2\r\n", "opus/48000/2\r\na=fmtp:109 minptime=10;useinbandfec=1\r\n"
    )
    assert written("a=rtpmap:0 PCMU/8000\r\n") == "a=rtpmap:0 PCMU/8000\r\n"
