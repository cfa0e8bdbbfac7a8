import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap
from aiortc.rtp import RtpPacket as Theirs
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtp import MAX_EXTENSION_BYTES, RtpPacket, build, parse

LEVEL_ID = 2


@given(
    st.integers(0, 0x7F), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.binary()
)
def test_what_is_built_is_parsed(kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> None:
    """A packet that is built and parsed comes back unchanged, with the marker bit and without."""
    for marker in (False, True):
        data = build(kind, sequence, timestamp, ssrc, payload, marker)
        assert parse(data) == RtpPacket(kind, sequence, timestamp, ssrc, payload)
        assert data[1] >> 7 == marker


@pytest.mark.parametrize("voice", [True, False])
@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("csrc", [[], [5, 6]])
def test_what_another_library_builds_is_parsed(voice: bool, padding: int, csrc: list[int]) -> None:
    """The payload and the voice bit are read from aiortc's packets with padding, sources and header extensions."""
    extensions = HeaderExtensionsMap()
    uris = {1: "urn:ietf:params:rtp-hdrext:sdes:mid", LEVEL_ID: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
    headers = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for number, uri in uris.items()]
    extensions.configure(RTCRtpParameters(headerExtensions=headers))
    theirs = Theirs(payload_type=111, sequence_number=7, timestamp=8, ssrc=9, payload=b"sound")
    theirs.csrc, theirs.padding_size = csrc, padding
    theirs.extensions.mid, theirs.extensions.audio_level = "audio0", (voice, 30)
    data = theirs.serialize(extensions)
    assert parse(data, LEVEL_ID) == RtpPacket(111, 7, 8, 9, b"sound", voice)
    assert parse(data).voice is None
    assert parse(data, level_id=9).voice is None


@pytest.mark.parametrize(("words", "voice"), [(MAX_EXTENSION_BYTES // 4, True), (MAX_EXTENSION_BYTES // 4 + 1, None)])
def test_a_long_extension_is_not_read(words: int, voice: bool | None) -> None:
    """The hint in a header extension longer than any browser's is left out. The packet itself is read."""
    extension = (bytes([LEVEL_ID << 4, 0x80])).rjust(4 * words, b"\0")
    data = b"\x90" + build(96, 1, 2, 3, b"")[1:] + bytes([0xBE, 0xDE]) + words.to_bytes(2) + extension + b"sound"
    assert parse(data, LEVEL_ID) == RtpPacket(96, 1, 2, 3, b"sound", voice)


def test_two_byte_extensions() -> None:
    """The audio level is also found in the two-byte form of header extensions."""
    data = bytearray(build(111, 7, 8, 9, bytes.fromhex("1000 0002 01 01 61 00 02 01 80 00") + b"sound"))
    data[0] |= 0x10
    assert parse(bytes(data), LEVEL_ID) == RtpPacket(111, 7, 8, 9, b"sound", True)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80",
        "00" * 12,
        "8f" + "00" * 11,
        "90" + "00" * 11,
        "90" + "00" * 13 + "ffff",
        "a0" + "00" * 11,
        "a0" + "00" * 11 + "05",
    ],
)
def test_what_is_not_a_packet_is_refused(data: str) -> None:
    """Packets with a truncated or impossible header are refused."""
    with pytest.raises(ValueError, match=r"."):
        parse(bytes.fromhex(data), LEVEL_ID)


@given(st.binary(max_size=100), st.integers(0, 255))
def test_any_bytes(data: bytes, first: int) -> None:
    """Any bytes are either a packet or raise ValueError."""
    for tried in (data, bytes([0x80 | first & 0x3F]) + data):
        try:
            packet = parse(tried, LEVEL_ID)
        except ValueError:
            continue
        assert len(packet.payload) <= len(tried) - 12
