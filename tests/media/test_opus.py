import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.errors import PeerError
from server.media.frame import HEARD_BYTES, HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE
from server.media.opus import MAX_PACKET_BYTES, MAX_PACKET_SAMPLES, SILENCE_PACKET, OpusDecoder, OpusEncoder, has_copy
from tests.voices import speak


def tone(hz: float = 440, seconds: float = 1.0) -> bytes:
    time = np.arange(int(SPOKEN_RATE * seconds)) / SPOKEN_RATE
    return (8_000 * np.sin(2 * np.pi * hz * time)).astype(np.int16).tobytes()


def packets_of(pcm: bytes, loss_percent: int = 0) -> list[bytes]:
    encoder = OpusEncoder()
    encoder.expect_loss(loss_percent)
    return [encoder.encode(pcm[i : i + SPOKEN_BYTES]) for i in range(0, len(pcm), SPOKEN_BYTES)]


SENTENCE = "Good morning, what are your opening hours please?"
SPOKEN = speak(SENTENCE, rate_hz=SPOKEN_RATE)
SPOKEN = SPOKEN[: len(SPOKEN) // SPOKEN_BYTES * SPOKEN_BYTES]


def samples_of(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, np.int16).astype(np.float64)


def with_fec(pcm: bytes, layout: str = "mono", options: dict[str, str] | None = None) -> list[bytes]:
    """Encode 16 kHz PCM as a browser does on a bad network: each packet has a copy of the sound before it."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = HEARD_RATE, layout, "s16", 24_000
    encoder.options = {"application": "voip", "fec": "1", "packet_loss": "30", **(options or {})}
    packets = []
    for i in range(0, len(pcm) - HEARD_BYTES, HEARD_BYTES):
        samples = np.frombuffer(pcm[i : i + HEARD_BYTES], np.int16)
        repeated = np.repeat(samples, 2) if layout == "stereo" else samples
        frame = av.AudioFrame.from_ndarray(repeated[None], format="s16", layout=layout)
        frame.sample_rate, frame.pts = HEARD_RATE, i // 2
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def test_a_tone_keeps_level_and_pitch() -> None:
    """A tone that is encoded and decoded keeps its pitch, and keeps its level within 1 dB."""
    decoder = OpusDecoder()
    heard = b"".join(decoder.decode(packet) for packet in packets_of(tone()))
    assert len(heard) == 50 * HEARD_BYTES
    samples = samples_of(heard)[HEARD_RATE // 4 : 3 * HEARD_RATE // 4]
    assert abs(20 * np.log10(np.sqrt(np.mean(samples**2)) / (8_000 / np.sqrt(2)))) < 1
    assert np.argmax(np.abs(np.fft.rfft(samples))) * 2 == 440


def test_packets_are_small() -> None:
    """A second of sound has about 4 KB, and no packet is larger than the standard allows."""
    packets = packets_of(tone())
    assert max(map(len, packets)) <= MAX_PACKET_BYTES
    assert 3_000 < sum(map(len, packets)) < 5_000


@pytest.mark.parametrize("duration_ms", [10, 20, 40, 60])
def test_packets_of_any_length_and_stereo(duration_ms: int) -> None:
    """A packet gives mono sound for as long as it lasts, whatever length and number of channels the sender chose."""
    packets = with_fec(bytes(HEARD_BYTES * 20), "stereo", {"frame_duration": str(duration_ms)})
    decoder = OpusDecoder()
    assert packets
    assert {len(decoder.decode(packet)) for packet in packets} == {HEARD_BYTES * duration_ms // 20}


def test_a_lost_packet_is_recovered_from_the_next() -> None:
    """The copy in the next packet is nearer to the lost sound than sound that is made up: a browser's, and ours."""
    for packets in (with_fec(speak(SENTENCE)), packets_of(SPOKEN, 10)):
        check_recovery(packets)


def check_recovery(packets: list[bytes]) -> None:
    recovered, concealed = [], []
    for lost in range(10, len(packets) - 1, 5):
        truth, with_copy, without = OpusDecoder(), OpusDecoder(), OpusDecoder()
        for packet in packets[:lost]:
            for decoder in (truth, with_copy, without):
                decoder.decode(packet)
        wanted = samples_of(truth.decode(packets[lost]))
        recovered.append(np.sum((samples_of(with_copy.recover(packets[lost + 1])) - wanted) ** 2))
        concealed.append(np.sum((samples_of(without.conceal()) - wanted) ** 2))
    assert sum(recovered) < 0.5 * sum(concealed)


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_a_copy_is_known(layout: str) -> None:
    """Packets that are made for a bad network carry copies of speech. Other packets do not."""
    speech = speak("Good morning, what are your opening hours please?")
    for fec, least, most in (("1", 0.5, 1.0), ("0", 0.0, 0.0)):
        packets = with_fec(speech, layout, {"fec": fec})
        assert least <= sum(map(has_copy, packets)) / len(packets) <= most
    assert not any(map(has_copy, [*packets_of(tone()), SILENCE_PACKET, b""]))


@pytest.mark.parametrize("percent", [1, 10, 30])
def test_copies_are_sent_only_on_a_bad_line(percent: int) -> None:
    """While loss is expected, most packets of speech carry a copy. Before and after that, none does: it is CELT."""
    encoder, copies = OpusEncoder(), []
    for expected in (0, percent, 0):
        encoder.expect_loss(expected)
        packets = [encoder.encode(SPOKEN[i : i + SPOKEN_BYTES]) for i in range(0, len(SPOKEN), SPOKEN_BYTES)]
        copies.append(sum(map(has_copy, packets[2:])) / len(packets[2:]))
        assert {bool(packet[0] & 0x80) for packet in packets[2:]} == {expected == 0}
    assert copies[0] == copies[2] == 0
    assert copies[1] > 0.7


@pytest.mark.parametrize("losses", [(0, 10), (10, 0)])
def test_the_encoder_changes_without_a_break(losses: tuple[int, int]) -> None:
    """A tone goes on at its level, and without a step, while the encoder changes between good line and bad line."""
    encoder, decoder, pcm = OpusEncoder(), OpusDecoder(), b""
    for number, start in enumerate(range(0, len(tone()), SPOKEN_BYTES)):
        encoder.expect_loss(losses[number >= 25])
        pcm += decoder.decode(encoder.encode(tone()[start : start + SPOKEN_BYTES]))
    samples = samples_of(pcm)[10 * HEARD_BYTES // 2 : 45 * HEARD_BYTES // 2]
    levels = np.sqrt(np.mean(samples.reshape(-1, HEARD_BYTES // 2) ** 2, axis=1)) / (8_000 / np.sqrt(2))
    assert np.abs(20 * np.log10(levels)).max() < 1
    assert np.abs(np.diff(samples)).max() < 1.3 * 8_000 * 2 * np.pi * 440 / HEARD_RATE


def test_what_cannot_be_recovered_is_concealed() -> None:
    """20 ms are made up if the next packet has no copy, if there is no next packet, and before the first packet."""
    decoder = OpusDecoder()
    assert len(decoder.conceal()) == HEARD_BYTES
    packets = packets_of(tone())
    for packet in packets[:10]:
        decoder.decode(packet)
    recovered = decoder.recover(packets[11])
    assert len(recovered) == HEARD_BYTES
    assert np.abs(samples_of(recovered)).max() > 1_000
    assert len(decoder.recover(b"")) == HEARD_BYTES


def test_concealment_fades() -> None:
    """A long gap fades to silence. It does not become a hum."""
    decoder = OpusDecoder()
    for packet in packets_of(tone())[:10]:
        decoder.decode(packet)
    levels = [np.abs(samples_of(decoder.conceal())).max() for _ in range(50)]
    assert levels[0] > 1_000
    assert levels[-1] < levels[0] / 4


def test_an_empty_packet_is_not_opus() -> None:
    """An empty packet is refused and makes no sound."""
    with pytest.raises(PeerError):
        OpusDecoder().decode(b"")


@pytest.mark.parametrize("packet", [b"\xff\xff\xff", b"\x03", b"\x01xxx", bytes([0x0B, 0x40]), b"\xfb\x31" + bytes(9)])
def test_what_is_not_a_packet_is_the_peers_mistake(packet: bytes) -> None:
    """Packets with impossible frame counts and lengths are refused."""
    with pytest.raises(PeerError):
        OpusDecoder().decode(packet)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_garbage_is_refused_or_decoded(garbage: list[bytes]) -> None:
    """For any packet the decoder gives sound or raises PeerError. After it, it decodes a good packet."""
    decoder = OpusDecoder()
    for packet in garbage:
        for read in (decoder.decode, decoder.recover):
            try:
                pcm = read(packet)
            except PeerError:
                continue
            assert len(pcm) % 2 == 0
            assert len(pcm) <= 2 * MAX_PACKET_SAMPLES
    assert len(decoder.decode(_GOOD)) == HEARD_BYTES


_GOOD = packets_of(tone(seconds=0.02))[0]


def test_a_frame_of_another_length_is_our_own_fault() -> None:
    """The encoder accepts only frames of 20 ms. Another length is a bug of ours."""
    with pytest.raises(AssertionError):
        OpusEncoder().encode(bytes(SPOKEN_BYTES - 2))


@pytest.mark.parametrize("loss_percent", [0, 10])
def test_the_packet_of_silence_is_silent(loss_percent: int) -> None:
    """After real silence, the packet of silence lasts 20 ms and is silent, for each way to encode."""
    decoder = OpusDecoder()
    for packet in packets_of(tone(seconds=0.2) + bytes(5 * SPOKEN_BYTES), loss_percent):
        decoder.decode(packet)
    for _ in range(20):
        heard = decoder.decode(SILENCE_PACKET)
        assert len(heard) == HEARD_BYTES
        assert np.abs(samples_of(heard)).max() < 50
