"""The tones of the keys, measured as a receiver does: by the power at each of the eight frequencies."""

import numpy as np
import pytest

from server.media.dtmf import DIGITS
from server.media.frame import FRAME_MS, HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE
from server.media.g711 import G711Decoder, G711Encoder, law
from server.media.opus import OpusDecoder, OpusEncoder
from server.media.resample import Resampler
from server.media.tones import FULL_SCALE_DBM0, HIGH_HZ, LOW_HZ, PAUSES_MS, ROWS, TONE_MS, key_of, tone
from tests.tone_reader import read_tones


def test_each_key_has_its_own_two_frequencies() -> None:
    """A receiver reads every key, and one after the other."""
    assert read_tones(b"".join(map(tone, DIGITS))) == DIGITS
    assert read_tones(tone("5") * 3) == "555"
    assert "".join(sorted("".join(ROWS))) == "".join(sorted(DIGITS))


@pytest.mark.parametrize("key", DIGITS)
def test_the_level_is_that_of_a_telephone(key: str) -> None:
    """Each frequency is at -9 to -11 dBm0, the high one louder, and nothing clicks."""
    samples = np.frombuffer(tone(key), "<i2")[-SPOKEN_RATE * TONE_MS // 1000 :].astype(float)
    middle = samples[240:-240]
    seconds = np.arange(len(middle)) / SPOKEN_RATE

    def dbm0(hz: int) -> float:
        peak = 2 * abs(np.mean(middle * np.exp(-2j * np.pi * hz * seconds)))
        return float(20 * np.log10(peak / 32767) + FULL_SCALE_DBM0)

    low, high = max(map(dbm0, LOW_HZ)), max(map(dbm0, HIGH_HZ))
    assert -12 < low < -10
    assert -10 < high < -8
    assert abs(samples).max() < 16_000
    assert abs(samples[0]) < 100
    assert abs(samples[-1]) < 1_000


@pytest.mark.parametrize(("sign", "ms"), [*PAUSES_MS.items(), ("1", 180)])
def test_sounds_are_whole_frames(sign: str, ms: int) -> None:
    """A key takes 180 ms, and a pause is silent for its time."""
    sound = tone(sign)
    assert len(sound) == ms * SPOKEN_RATE // 1000 * 2
    assert len(sound) % SPOKEN_BYTES == 0
    assert any(sound) is (sign == "1")


@pytest.mark.parametrize("codec", ["opus", "PCMA", "PCMU"])
def test_tones_survive_the_codecs(codec: str) -> None:
    """A receiver behind the line reads every key after it was encoded and decoded."""
    sound = b"".join(map(tone, f"{DIGITS}w1"))
    frames = [sound[start : start + SPOKEN_BYTES] for start in range(0, len(sound), SPOKEN_BYTES)]
    encoder = OpusEncoder() if codec == "opus" else G711Encoder(law(codec))
    decoder = OpusDecoder() if codec == "opus" else G711Decoder(law(codec))
    heard = b"".join(decoder.decode(encoder.encode(frame)) for frame in frames)
    assert read_tones(Resampler(HEARD_RATE, SPOKEN_RATE).convert(heard)) == f"{DIGITS}1"


def test_a_tone_is_known_by_its_frames() -> None:
    """Every frame of a key's tone belongs to that key. Silence, pauses and other sound belong to none."""
    for key in DIGITS:
        frames = [tone(key)[at : at + SPOKEN_BYTES] for at in range(0, len(tone(key)), SPOKEN_BYTES)]
        silent = sum(not any(frame) for frame in frames)
        assert [key_of(frame) for frame in frames] == [None] * silent + [key] * (TONE_MS // FRAME_MS)
    assert key_of(tone(",")[:SPOKEN_BYTES]) is None
    assert key_of(b"\1" * SPOKEN_BYTES) is None
