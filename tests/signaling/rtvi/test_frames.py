"""The binary frames of Pipecat's WebSocket transport."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import PeerError
from signaling.rtvi.frames import Interruption, Message, Other, Sound, message_frame, read_frame, sound_frame

AUDIO = bytes.fromhex("12 12 12 05 61 75 64 69 6f 1a 04 01 00 02 00 20 80 7d 28 01")
"""What the client sends: audio {name: "audio", audio: two samples, sample_rate: 16000, num_channels: 1}."""


def test_a_frame_as_the_client_writes_it() -> None:
    assert read_frame(AUDIO) == Sound(b"\1\0\2\0", 16_000, 1)
    assert read_frame(b"\x22\x04\x0a\x02{}") == Message("{}")
    assert read_frame(b"\x2a\x02\x08\x01") == Interruption()
    assert read_frame(b"\x0a\x00") == Other()
    assert read_frame(b"\x50\x05\x22\x04\x0a\x02{}\x5a\x01a") == Message("{}"), "fields of a later schema are skipped"


@given(st.binary(max_size=2_000), st.integers(0, 2**40))
def test_sound_comes_back(pcm: bytes, rate: int) -> None:
    assert read_frame(sound_frame(pcm, rate)) == Sound(pcm, rate, 1)


@given(st.text())
def test_a_message_comes_back(text: str) -> None:
    assert read_frame(message_frame(text)) == Message(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(PeerError):
        read_frame(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x22",
        b"\x22\x05ab",
        b"\x22\x04\x0a\x02\xff\xff",
        b"\x32\x00",
        b"\x20\x01",
        b"\x27",
        b"\xff" * 12,
        b"\x12\x02\x20\x01\x22\x00",
        b"\x12\x22" + b"\x20\x01" * 17,
        b"\x12\x02\x18\x01",
    ],
    ids=[
        *("empty", "no length", "cut off", "not UTF-8", "unknown field", "a number as message", "no wire type"),
        *("a long number", "two fields", "many fields", "a number as sound"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        read_frame(data)
