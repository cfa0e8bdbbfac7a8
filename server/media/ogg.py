"""Writes a stereo Opus file in Ogg (RFC 7845) while the sound comes. If the process dies, the file still plays."""

import os
from pathlib import Path

import av
import numpy as np

from server.media.frame import HEARD_RATE, SPOKEN_RATE, SPOKEN_SAMPLES
from server.media.resample import Resampler

BITRATE = 64_000
"""The bit rate of the file. With less, stereo Opus does not keep the two voices apart: each is heard in the channel of
the other."""
COMPLEXITY = 5
"""How hard the encoder works, up to 10. The same value as for calls (`opus.py`): it sounds like 10, in half of the
time."""
PAGE_US = 500_000
"""How much sound an Ogg page holds, in microseconds. A page is written as soon as it is full."""


class StereoFile:
    """A file with 16 kHz mono PCM on the left and 24 kHz mono PCM on the right.

    The file must not exist yet. Only its owner can read it.
    """

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        options = {"flush_packets": "1", "page_duration": str(PAGE_US)}
        self._container = av.open(f"file:{path}", "w", format="ogg", options=options)
        self._stream = self._container.add_stream("libopus", rate=SPOKEN_RATE, layout="stereo")
        self._stream.bit_rate = BITRATE
        self._stream.options = {"compression_level": str(COMPLEXITY)}
        self._resampler = Resampler(HEARD_RATE, SPOKEN_RATE)
        self._left = self._right = b""

    def write(self, left: bytes, right: bytes) -> None:
        """Add sound of both sides. Both must have the same length in time."""
        self._left += self._resampler.convert(left)
        self._right += right
        self._encode(SPOKEN_SAMPLES)

    def close(self) -> None:
        """Write the rest, and close the file."""
        self._left += self._resampler.flush()
        self._encode(1)
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _encode(self, least_samples: int) -> None:
        """Encode the sound that both sides have. The left side lags a little, because the resampler delays it."""
        while (samples := min(len(self._left), len(self._right), 2 * SPOKEN_SAMPLES) // 2) >= least_samples:
            left, right = (np.frombuffer(side[: 2 * samples], np.int16) for side in (self._left, self._right))
            self._left, self._right = self._left[2 * samples :], self._right[2 * samples :]
            frame = av.AudioFrame.from_ndarray(np.stack([left, right], axis=1).reshape(1, -1), "s16", "stereo")
            frame.sample_rate = SPOKEN_RATE
            self._container.mux(self._stream.encode(frame))
