"""Turns the bytes of sound that a WebSocket carries into frames, and frames into such bytes."""

from typing import Literal

import numpy as np

from server.errors import PeerError
from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, SPOKEN_RATE, Frame
from server.media.g711 import G711Decoder, G711Encoder, law
from server.media.opus import OpusDecoder, OpusEncoder
from server.media.resample import Resampler

Encoding = Literal["pcm16", "opus", "pcmu", "pcma"]
JUDGED_PIECES = 50
"""How many pieces of PCM with sound in them are looked at for 32-bit floats: about a second."""
FEWEST_FLOATS = 40
"""How many of them a piece must have to be judged: 2.5 ms at 16 kHz."""
JUDGED_BYTES = 2 * 40
"""How long a piece must be to tell whether it begins within a sample: 2.5 ms at 16 kHz."""
ROUGHER = 4.0
"""How much rougher sound is at least when each sample begins in the middle of another. Speech: 6 to 20 times."""
_SMALL_FLOATS = (0x2F80, 0x3F80)
"""Between these two are the upper halves of all 32-bit floats from 2e-10 to 1, without their sign (IEEE 754)."""


class StreamDecoder:
    """Turns the sound that a client sends, in pieces of any size, into 20 ms frames."""

    def __init__(self, encoding: Encoding, sample_rate: int) -> None:
        self._decoder: _Pcm16Decoder | OpusDecoder | G711Decoder
        if encoding == "pcm16":
            self._decoder = _Pcm16Decoder(sample_rate)
        else:
            self._decoder = OpusDecoder() if encoding == "opus" else G711Decoder(law(encoding))
        self._pcm = b""
        self._samples = 0

    def decode(self, data: bytes) -> list[Frame]:
        """Decode a piece. Returns the frames that it completes.

        Raises PeerError if the piece is not sound of this encoding. The next piece may be good again.
        """
        if data:
            try:
                self._pcm += self._decoder.decode(data)
            except PeerError:
                raise
            except Exception as exc:  # a decoder may raise anything for a piece that is not sound
                raise PeerError("This binary frame is not sound of the encoding that was chosen.") from exc
        frames = []
        while len(self._pcm) >= HEARD_BYTES:
            frames.append(Frame(self._pcm[:HEARD_BYTES], self._samples))
            self._pcm = self._pcm[HEARD_BYTES:]
            self._samples += HEARD_SAMPLES
        return frames


class StreamEncoder:
    """Turns 20 ms frames of 24 kHz PCM into the bytes that a client receives."""

    def __init__(self, encoding: Encoding, sample_rate: int) -> None:
        self._encoder: _Pcm16Encoder | OpusEncoder | G711Encoder
        if encoding == "pcm16":
            self._encoder = _Pcm16Encoder(sample_rate)
        else:
            self._encoder = OpusEncoder() if encoding == "opus" else G711Encoder(law(encoding))

    def encode(self, pcm: bytes) -> bytes:
        """Encode one frame. With PCM, the first results are a few ms short, because the resampler lags."""
        return self._encoder.encode(pcm)


class _Pcm16Decoder:
    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(sample_rate, HEARD_RATE)
        self._half = b""
        self._unjudged = JUDGED_PIECES

    def decode(self, data: bytes) -> bytes:
        """Decode a piece. If it ends in the middle of a sample, that byte is kept for the next piece, if it fits."""
        data = self._half + data if _begins_within_a_sample(self._half, data) else data
        whole = len(data) - len(data) % 2
        self._half = data[whole:]
        if self._unjudged and any(data):
            if _are_floats(data[:whole]):
                raise PeerError("The sound seems to be 32-bit floats. pcm16 is signed 16-bit integers, little-endian.")
            self._unjudged -= 1
        return self._resampler.convert(data[:whole])


def _begins_within_a_sample(half: bytes, data: bytes) -> bool:
    """Whether a piece goes on with the `half` sample at the end of the piece before it.

    A client may cut its sound anywhere. But if it has sent one odd byte by mistake, all sound after it would be noise:
    the low bytes of samples in the place of the high ones. So the way counts in which the sound is smooth.
    """
    if not half or len(data) < JUDGED_BYTES:
        return True
    return _roughness(half + data) < ROUGHER * _roughness(data)


def _roughness(pcm: bytes) -> float:
    """How far neighbouring samples are from each other."""
    samples = np.frombuffer(pcm[: len(pcm) - len(pcm) % 2], "<i2").astype(np.int32)
    return float(np.abs(np.diff(samples)).mean()) + 1.0


def _are_floats(pcm: bytes) -> bool:
    """Whether 16-bit samples are halves of 32-bit floats: every other one then has the exponent of a small number, and
    those between have anything. No sound of 16-bit samples is like this."""
    pairs = np.frombuffer(pcm, "<u2")[: len(pcm) // 4 * 2].reshape(-1, 2) & 0x7FFF
    small = ((pairs >= _SMALL_FLOATS[0]) & (pairs <= _SMALL_FLOATS[1])).sum(axis=0)
    upper = int(small.argmax())
    others = int((pairs[:, upper] > 0).sum()) - int(small[upper])
    return bool(small[upper] >= FEWEST_FLOATS and others == 0 and small[1 - upper] < small[upper] / 2)


class _Pcm16Encoder:
    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(SPOKEN_RATE, sample_rate)

    def encode(self, pcm: bytes) -> bytes:
        return self._resampler.convert(pcm)
