import numpy as np
import pytest

from server.media.frame import HEARD_BYTES, SPOKEN_BYTES, SPOKEN_RATE
from server.media.g711 import RATE, G711Decoder, G711Encoder, Law, law

PAYLOAD_BYTES = RATE * 20 // 1000

# ITU-T G.711, tables 1a to 2b, at 16 bits. For the negative level, flip the highest bit of the code.
PCMU = {
    0xFF: 0, 0xFE: 8, 0xF0: 120, 0xEF: 132, 0xE0: 372, 0xDF: 396, 0xD0: 876, 0xCF: 924, 0xC0: 1_884, 0xBF: 1_980,
    0xB0: 3_900, 0xAF: 4_092, 0xA0: 7_932, 0x9F: 8_316, 0x90: 15_996, 0x8F: 16_764, 0x80: 32_124,
}  # fmt: skip
PCMA = {
    0xD5: 8, 0xD4: 24, 0xD0: 88, 0xDA: 248, 0xC5: 264, 0xC0: 344, 0xCA: 504, 0xF0: 688, 0xE0: 1_376, 0x90: 2_752,
    0x80: 5_504, 0xB0: 11_008, 0xA0: 22_016, 0xA5: 16_896, 0xAA: 32_256,
}  # fmt: skip
TABLE: list[tuple[Law, int, int]] = [
    *(("PCMU", code ^ flip, -level if flip else level) for code, level in PCMU.items() for flip in (0, 0x80)),
    *(("PCMA", code ^ flip, -level if flip else level) for code, level in PCMA.items() for flip in (0, 0x80)),
]


def level_of(name: Law, code: int) -> int:
    """The level to which the decoder settles if one code is repeated."""
    decoder = G711Decoder(name)
    pcm = b"".join(decoder.decode(bytes([code]) * PAYLOAD_BYTES) for _ in range(3))
    return int(np.frombuffer(pcm, np.int16)[-1])


def code_of(name: Law, level: int) -> int:
    """The code to which the encoder settles if one level is repeated."""
    encoder = G711Encoder(name)
    pcm = np.full(SPOKEN_BYTES // 2, level, np.int16).tobytes()
    return [encoder.encode(pcm) for _ in range(3)][-1][-1]


@pytest.mark.parametrize(("name", "code", "level"), TABLE)
def test_codes_have_the_levels_of_the_standard(name: Law, code: int, level: int) -> None:
    """A code that is repeated is decoded to the level that the standard gives for it."""
    assert level_of(name, code) == pytest.approx(level, abs=1, rel=0.001)


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_every_code_comes_back(name: Law) -> None:
    """The level of each code is encoded as that code. In PCMU, zero is encoded as the positive zero, 0xFF."""
    codes = [code_of(name, level_of(name, code)) for code in range(256)]
    assert codes == [0xFF if name == "PCMU" and code == 0x7F else code for code in range(256)]


@pytest.mark.parametrize(("name", "silence"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_silence(name: Law, silence: int) -> None:
    """Silence is encoded as the code that telephones send for it."""
    assert code_of(name, 0) == silence


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_frames_are_20_ms_from_the_first_on(name: Law) -> None:
    """Each frame of the agent gives one full payload, from the first one on, so that timestamps match the sound."""
    encoder = G711Encoder(name)
    assert [len(encoder.encode(bytes(SPOKEN_BYTES))) for _ in range(5)] == [PAYLOAD_BYTES] * 5


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_a_tone_keeps_level_and_pitch(name: Law) -> None:
    """A tone that is encoded and decoded keeps its pitch, and keeps its level within 1 dB."""
    pcm = (8_000 * np.sin(2 * np.pi * 440 * np.arange(SPOKEN_RATE) / SPOKEN_RATE)).astype(np.int16).tobytes()
    encoder, decoder = G711Encoder(name), G711Decoder(name)
    frames = [pcm[i : i + SPOKEN_BYTES] for i in range(0, len(pcm), SPOKEN_BYTES)]
    heard = b"".join(decoder.decode(encoder.encode(frame)) for frame in frames)
    samples = np.frombuffer(heard, np.int16)[4_000:12_000].astype(float)
    assert abs(20 * np.log10(np.sqrt(np.mean(samples**2)) / (8_000 / np.sqrt(2)))) < 1
    assert np.argmax(np.abs(np.fft.rfft(samples))) * 2 == 440
    assert abs(len(heard) - 50 * HEARD_BYTES) <= HEARD_BYTES // 4


def test_names() -> None:
    """A law is found by its SDP name, in upper or lower case. Any other name is refused."""
    assert (law("pcmu"), law("PCMA")) == ("PCMU", "PCMA")
    with pytest.raises(ValueError, match="opus"):
        law("opus")


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_what_is_lost_fades(name: Law) -> None:
    """In place of a lost packet the last 20 ms are heard again, each time half as loud."""
    encoder, decoder = G711Encoder(name), G711Decoder(name)
    pcm = (8_000 * np.sin(2 * np.pi * 440 * np.arange(SPOKEN_RATE) / SPOKEN_RATE)).astype(np.int16).tobytes()
    for start in range(0, 5 * SPOKEN_BYTES, SPOKEN_BYTES):
        decoder.decode(encoder.encode(pcm[start : start + SPOKEN_BYTES]))
    levels = [np.abs(np.frombuffer(decoder.conceal(), np.int16).astype(int)).max() for _ in range(3)]
    assert levels == pytest.approx([4_000, 2_000, 1_000], rel=0.1)
