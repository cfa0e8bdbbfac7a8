from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media.resample import Resampler

RATES = [(8_000, 16_000), (16_000, 24_000), (22_050, 24_000), (24_000, 8_000), (48_000, 24_000), (24_000, 24_000)]


def tone(rate: int, samples: int, hz: float = 440) -> bytes:
    return (10_000 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.int16).tobytes()


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_a_tone_keeps_time_level_and_pitch(rate_in: int, rate_out: int) -> None:
    """A second of a tone stays a second of the same tone."""
    resampler = Resampler(rate_in, rate_out)
    pcm = resampler.convert(tone(rate_in, rate_in)) + resampler.flush()
    samples = np.frombuffer(pcm, np.int16).astype(float)
    assert abs(len(samples) - rate_out) <= 2
    middle = samples[rate_out // 4 : 3 * rate_out // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.02)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * rate_out / len(middle) == pytest.approx(440, abs=2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2_000), max_size=20), st.sampled_from(RATES))
def test_any_chunks_give_the_same_sound(chunks: list[int], rates: tuple[int, int]) -> None:
    """However the sound is cut into chunks, the result is the same, because the filter remembers the last chunk."""
    pcm = tone(rates[0], sum(chunks))
    ends = np.cumsum([0, *chunks]) * 2
    whole, pieces = Resampler(*rates), Resampler(*rates)
    joined = b"".join(pieces.convert(pcm[a:b]) for a, b in pairwise(ends)) + pieces.flush()
    assert joined == whole.convert(pcm) + whole.flush()


def test_equal_rates_change_nothing() -> None:
    """If both rates are equal, the sound is not filtered and not delayed."""
    pcm = tone(24_000, 480)
    resampler = Resampler(24_000, 24_000)
    assert resampler.convert(pcm) == pcm
    assert resampler.flush() == b""


def test_nothing_in_nothing_out() -> None:
    """Empty input gives empty output."""
    resampler = Resampler(16_000, 24_000)
    assert resampler.convert(b"") == b""
    assert resampler.flush() == b""
