"""G.722 by FFmpeg."""

import numpy as np
import pytest

from server.errors import PeerError
from server.media.frame import HEARD_BYTES, HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE
from server.media.g722 import MAX_PAYLOAD_BYTES, G722Decoder, G722Encoder


def tone(hz: float, rate: int, seconds: float = 1.0) -> bytes:
    times = np.arange(int(rate * seconds)) / rate
    return (8_000 * np.sin(2 * np.pi * hz * times)).astype(np.int16).tobytes()


@pytest.mark.parametrize("hz", [440, 5_000])
def test_a_tone_comes_through(hz: int) -> None:
    """What is encoded is decoded again, with the tones above 4 kHz that G.711 does not carry."""
    encoder, decoder, pcm = G722Encoder(), G722Decoder(), tone(hz, SPOKEN_RATE)
    payloads = [encoder.encode(pcm[at : at + SPOKEN_BYTES]) for at in range(0, len(pcm), SPOKEN_BYTES)]
    assert {len(payload) for payload in payloads} == {160}
    heard = np.frombuffer(b"".join(map(decoder.decode, payloads)), np.int16).astype(float)
    assert len(heard) == HEARD_RATE
    spectrum = np.abs(np.fft.rfft(heard[4_000:12_000]))
    assert np.argmax(spectrum) * 2 == pytest.approx(hz, abs=4)
    assert np.sqrt(np.mean(heard[4_000:12_000] ** 2)) == pytest.approx(8_000 / np.sqrt(2), rel=0.1)


def test_lost_sound_fades() -> None:
    """Made-up sound is as long as a frame, and softer each time."""
    encoder, decoder = G722Encoder(), G722Decoder()
    pcm = tone(440, SPOKEN_RATE, 0.2)
    for at in range(0, len(pcm), SPOKEN_BYTES):
        decoder.decode(encoder.encode(pcm[at : at + SPOKEN_BYTES]))
    first, second = decoder.conceal(), decoder.conceal()
    assert len(first) == len(second) == HEARD_BYTES
    assert np.abs(np.frombuffer(second, np.int16)).max() < np.abs(np.frombuffer(first, np.int16)).max()


def test_a_payload_of_any_length_is_sound_or_refused() -> None:
    """Any bytes are sound; too many of them are refused."""
    assert len(G722Decoder().decode(bytes(range(80)))) == 4 * 80
    with pytest.raises(PeerError):
        G722Decoder().decode(bytes(MAX_PAYLOAD_BYTES + 1))
