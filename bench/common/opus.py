"""Sound through Opus, as between a caller's client and the server: packets of 20 ms."""

import fractions
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from server.media.frame import HEARD_RATE
from tests.voices import resample

_OPUS_HZ = 48_000
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


def through_opus(pcm: bytes) -> bytes:
    """16 kHz PCM, encoded at BIT_RATE and decoded again: what a server hears of it."""
    encoder, decoder = opus_encoder(_OPUS_HZ), av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = _OPUS_HZ, "mono"
    to_s16 = av.AudioResampler("s16", "mono", _OPUS_HZ)
    samples = np.frombuffer(resample(pcm, HEARD_RATE, _OPUS_HZ), "<i2")
    samples = np.pad(samples, (0, -len(samples) % (_OPUS_HZ // 50)))
    packets = [*opus_packets(encoder, samples), *encoder.encode(None)]
    frames = (out for packet in packets for frame in decoder.decode(packet) for out in to_s16.resample(frame))
    return resample(b"".join(frame.to_ndarray().tobytes() for frame in frames), _OPUS_HZ, HEARD_RATE)
