"""Encodes and decodes G.722 (ITU-T), the wideband codec of telephones: 16 kHz, 64 kbit/s, by FFmpeg.

As an RTP payload its clock has 8 kHz, although there are 16,000 samples a second (RFC 3551, section 4.5.2): one byte is
one unit of the clock.
"""

from typing import Literal

import av
import numpy as np

from server.errors import PeerError
from server.media.frame import HEARD_BYTES, HEARD_RATE, SPOKEN_RATE
from server.media.resample import Resampler

MAX_PAYLOAD_BYTES = 1_280
"""How many bytes one payload may have: 160 ms. Telephones send 20 ms."""


def _context(mode: Literal["r", "w"]) -> av.AudioCodecContext:
    context = av.CodecContext.create("g722", mode)
    context.sample_rate, context.layout, context.format = HEARD_RATE, "mono", "s16"
    context.open()
    return context


class G722Decoder:
    """Turns payloads into 16 kHz mono PCM: two samples for each byte."""

    def __init__(self) -> None:
        self._codec = _context("r")
        self._last = bytes(HEARD_BYTES)

    def decode(self, payload: bytes) -> bytes:
        """Return the payload's sound. Raises PeerError if it is too long."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PeerError("too long for G.722")
        pcm = b"".join(frame.to_ndarray().tobytes() for frame in self._codec.decode(av.Packet(payload)))
        self._last = (self._last + pcm)[-HEARD_BYTES:]
        return pcm

    def conceal(self) -> bytes:
        """Return 20 ms in place of lost sound: the last 20 ms, half as loud."""
        self._last = (np.frombuffer(self._last, np.int16) // 2).astype(np.int16).tobytes()
        return self._last


class G722Encoder:
    """Turns 20 ms frames of 24 kHz mono PCM into payloads of 160 bytes."""

    def __init__(self) -> None:
        self._codec = _context("w")
        self._resampler = Resampler(SPOKEN_RATE, HEARD_RATE)

    def encode(self, pcm: bytes) -> bytes:
        converted = self._resampler.convert(pcm)
        lag = max(0, HEARD_BYTES - len(converted))  # only at the start, when the resampler holds some samples back
        samples = np.frombuffer(bytes(lag) + converted, np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = HEARD_RATE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
