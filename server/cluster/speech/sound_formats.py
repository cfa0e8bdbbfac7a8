"""Encodes speech for clients while it is made."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import av
import numpy as np

from server.media.resample import Resampler

RATE = 24_000
"""The sample rate in Hz of what clients get, as in OpenAI's API."""
PAGE_US = "200000"
"""How much sound an Ogg page holds, in microseconds: as much as the voices make at once."""
_OPEN_END = 0xFFFFFFFF
"""The length in the header of a WAV file whose end is not known yet."""


class Encoder(Protocol):
    """Encodes one text. Both methods return what is ready of the file, which may be nothing."""

    def encode(self, pcm: bytes) -> bytes:
        """Takes mono s16le at RATE, any whole number of samples."""

    def finish(self) -> bytes:
        """Ends the file."""


class Pcm:
    """Plain s16le."""

    def encode(self, pcm: bytes) -> bytes:
        return pcm

    def finish(self) -> bytes:
        return b""


class Wav:
    """A WAV file of unknown length."""

    def __init__(self) -> None:
        self._head = b"".join(
            (
                struct.pack("<4sI4s", b"RIFF", _OPEN_END, b"WAVE"),
                struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16),
                struct.pack("<4sI", b"data", _OPEN_END),
            )
        )

    def encode(self, pcm: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + pcm

    def finish(self) -> bytes:
        return self.encode(b"")


class Encoded:
    """A file that FFmpeg writes."""

    def __init__(self, container: str, codec: str, **options: str) -> None:
        """`container`, `codec` and the `options` of the container are FFmpeg's names."""
        self._file = _Growing()
        self._container = av.open(self._file, "w", format=container, options={"flush_packets": "1"} | options)
        self._stream: Any = self._container.add_stream(codec, rate=RATE, layout="mono")
        self._samples = 0

    def encode(self, pcm: bytes) -> bytes:
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = RATE, self._samples
        self._samples += frame.samples
        self._container.mux(self._stream.encode(frame))
        return self._file.taken()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.taken()


class _Growing(io.RawIOBase):
    """A file that is only written, and read as it grows."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        data = bytes(self._data)
        self._data.clear()
        return data


@dataclass(frozen=True, slots=True)
class Format:
    """A format of speech, as clients name it."""

    media_type: str
    encoder: Callable[[], Encoder]


FORMATS = {
    "mp3": Format("audio/mpeg", lambda: Encoded("mp3", "libmp3lame")),
    "opus": Format("audio/ogg", lambda: Encoded("ogg", "libopus", page_duration=PAGE_US)),
    "aac": Format("audio/aac", lambda: Encoded("adts", "aac")),
    "flac": Format("audio/flac", lambda: Encoded("flac", "flac")),
    "wav": Format("audio/wav", Wav),
    "pcm": Format("audio/pcm", Pcm),
}
"""By the names of OpenAI's API."""


class Encoding:
    """The speech of one text on its way to the client, from the rate of the voice to a format."""

    def __init__(self, form: Format, rate: int) -> None:
        self._resampler = Resampler(rate, RATE)
        self._encoder = form.encoder()

    def encode(self, pcm: bytes) -> bytes:
        """Takes mono s16le at the rate of the voice. Returns what is ready, which may be nothing."""
        sound = self._resampler.convert(pcm)
        return self._encoder.encode(sound) if sound else b""

    def finish(self) -> bytes:
        """Ends the file."""
        rest = self._resampler.flush()
        return (self._encoder.encode(rest) if rest else b"") + self._encoder.finish()
