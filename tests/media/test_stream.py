import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import PeerError
from server.media.frame import HEARD_RATE, HEARD_SAMPLES, SPOKEN_RATE, SPOKEN_SAMPLES, Frame
from server.media.stream import Encoding, StreamDecoder, StreamEncoder
from tests.voices import speak

FORMATS: list[tuple[Encoding, int]] = [
    ("pcm16", 8_000), ("pcm16", 16_000), ("pcm16", 24_000), ("pcm16", 48_000),
    ("opus", 48_000), ("pcmu", 8_000), ("pcma", 8_000),
]  # fmt: skip


def tone(rate_hz: int, seconds: float) -> bytes:
    """A tone of 440 Hz, at a third of the largest level."""
    return (10_000 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.int16).tobytes()


def pitch_hz(pcm: bytes, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, np.int16)))
    return float(np.argmax(spectrum)) * rate_hz / (len(pcm) // 2)


@pytest.mark.parametrize(("encoding", "sample_rate"), FORMATS)
def test_a_tone_goes_out_and_comes_back(encoding: Encoding, sample_rate: int) -> None:
    """A second of a tone that is encoded and decoded is a second of the same tone."""
    encoder, decoder = StreamEncoder(encoding, sample_rate), StreamDecoder(encoding, sample_rate)
    spoken, heard = tone(SPOKEN_RATE, 1), []
    for start in range(0, len(spoken), 2 * SPOKEN_SAMPLES):
        heard += decoder.decode(encoder.encode(spoken[start : start + 2 * SPOKEN_SAMPLES]))
    assert 48 <= len(heard) <= 50
    pcm = b"".join(frame.pcm for frame in heard)
    assert pitch_hz(pcm, HEARD_RATE) == pytest.approx(440, abs=3)
    assert [frame.start_samples for frame in heard] == [i * HEARD_SAMPLES for i in range(len(heard))]


@given(st.lists(st.integers(0, 3_000), max_size=40))
@settings(deadline=None)
def test_pcm_may_come_in_pieces_of_any_size(sizes: list[int]) -> None:
    """However the bytes are cut into pieces, also of odd sizes or empty ones, the frames are the same."""
    pcm, whole, cut = tone(16_000, 1), StreamDecoder("pcm16", 16_000), StreamDecoder("pcm16", 16_000)
    frames: list[Frame] = []
    start = 0
    for size in sizes:
        frames += cut.decode(pcm[start : start + size])
        start += size
    frames += cut.decode(pcm[start:])
    assert frames == whole.decode(pcm)


@pytest.mark.parametrize("odd", [b"\x01", b"\xff" * 333, tone(16_000, 0.02)[:-1]])
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_one_odd_piece_is_not_the_end_of_all_sound(odd: bytes, sample_rate: int) -> None:
    """A piece that ends within a sample by mistake does not make noise of all that follows."""
    decoder, pcm, size = StreamDecoder("pcm16", sample_rate), tone(sample_rate, 1), sample_rate // 25
    decoder.decode(odd)
    frames = [frame for at in range(0, len(pcm), size) for frame in decoder.decode(pcm[at : at + size])]
    heard = b"".join(frame.pcm for frame in frames[5:])
    assert pitch_hz(heard, HEARD_RATE) == pytest.approx(440, abs=3)
    assert np.abs(np.diff(np.frombuffer(heard, np.int16).astype(int))).max() < 2_500


@pytest.mark.parametrize("garbage", [b"\xff" * 2_000, bytes(range(256)) * 8, b"\x03"])
def test_garbage_is_refused_and_the_next_packet_is_good(garbage: bytes) -> None:
    """A binary frame that is not Opus gets an error that says so. The next packet is decoded."""
    packet = StreamEncoder("opus", 48_000).encode(tone(SPOKEN_RATE, 0.02))
    decoder = StreamDecoder("opus", 48_000)
    decoder.decode(packet)
    with pytest.raises(PeerError, match="not a packet of Opus"):
        decoder.decode(garbage)
    assert len(decoder.decode(packet)) == 1


@pytest.mark.parametrize(("encoding", "sample_rate"), FORMATS)
@given(st.binary(max_size=4_000))
@settings(deadline=None, max_examples=40)
def test_any_bytes_are_sound_or_an_error(encoding: Encoding, sample_rate: int, data: bytes) -> None:
    """Any bytes give frames or raise PeerError. Nothing else can happen."""
    try:
        frames = StreamDecoder(encoding, sample_rate).decode(data)
    except PeerError:
        return
    assert len(frames) <= max(len(data), 6), "120 ms is the longest packet of Opus"


@pytest.mark.parametrize("piece_bytes", [640, 1280, 2560, 642])
def test_floats_are_not_taken_for_16_bit_samples(piece_bytes: int) -> None:
    """Browsers have sound as 32-bit floats. Read as 16-bit samples they are noise, so the client is told."""
    decoder = StreamDecoder("pcm16", 16_000)
    floats = (np.frombuffer(speak("When do you close?", rate_hz=16_000), np.int16).astype(np.float32) / 32768).tobytes()
    pieces = [bytes(piece_bytes), *(floats[at : at + piece_bytes] for at in range(0, len(floats), piece_bytes))]
    complaints = []
    for piece in pieces:
        try:
            decoder.decode(piece)
        except PeerError as error:
            complaints.append(str(error))
    assert len(complaints) > 10
    assert all("32-bit floats" in complaint for complaint in complaints)


@pytest.mark.parametrize("made", ["speech", "noise", "square", "constant", "soft"])
def test_16_bit_samples_are_never_taken_for_floats(made: str) -> None:
    """Speech, noise, and tones whose samples all have the same height."""
    rng = np.random.default_rng(1)
    pcm = {
        "speech": speak("When do you close?", rate_hz=16_000),
        "noise": rng.integers(-32768, 32767, 16_000).astype("<i2").tobytes(),
        "square": np.tile(np.repeat(np.array([14_000, -14_000], "<i2"), 20), 400).tobytes(),
        "constant": np.full(16_000, 16_000, "<i2").tobytes(),
        "soft": rng.integers(-3, 3, 16_000).astype("<i2").tobytes(),
    }[made]
    decoder = StreamDecoder("pcm16", 16_000)
    for at in range(0, len(pcm), 640):
        decoder.decode(pcm[at : at + 640])
