"""Encodes PCM to Opus packets of 20 ms, as a caller's client does."""

import fractions
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

BIT_RATE = 32_000
"""What browsers use for one voice, in bits a second."""


def opus_encoder(rate_hz: int, **options: str) -> av.AudioCodecContext:
    """A mono encoder for 16-bit PCM at `rate_hz`; `options` are libopus's own, such as fec="1"."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = rate_hz, "mono", "s16", BIT_RATE
    encoder.options = options
    return encoder


def opus_packets(encoder: av.AudioCodecContext, samples: NDArray[np.int16]) -> "list[av.Packet[Any]]":
    """The packets of whole frames of 20 ms. `encoder.encode(None)` gives a last one with the end of the sound."""
    rate_hz, packets = encoder.sample_rate, []
    for start in range(0, len(samples), rate_hz // 50):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + rate_hz // 50], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate_hz, fractions.Fraction(1, rate_hz)
        packets += encoder.encode(frame)
    return packets
