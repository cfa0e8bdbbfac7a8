"""Turns the bytes of sound that a WebSocket carries into frames, and frames into such bytes."""

from typing import Literal

from server.errors import PeerError
from server.media.frame import HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, SPOKEN_RATE, Frame
from server.media.g711 import G711Decoder, G711Encoder, law
from server.media.opus import OpusDecoder, OpusEncoder
from server.media.resample import Resampler

Encoding = Literal["pcm16", "opus", "pcmu", "pcma"]


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

    def decode(self, data: bytes) -> bytes:
        """Decode a piece. If it ends in the middle of a sample, that byte is kept for the next piece."""
        data = self._half + data
        whole = len(data) - len(data) % 2
        self._half = data[whole:]
        return self._resampler.convert(data[:whole])


class _Pcm16Encoder:
    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(SPOKEN_RATE, sample_rate)

    def encode(self, pcm: bytes) -> bytes:
        return self._resampler.convert(pcm)
