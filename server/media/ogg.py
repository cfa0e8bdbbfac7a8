"""A stereo Opus file in Ogg (RFC 7845), written as it comes: a process that dies leaves a file that plays."""

import os
from pathlib import Path

import av
import numpy as np

from server.media.frame import HEARD_RATE, SPOKEN_RATE, SPOKEN_SAMPLES
from server.media.resample import Resampler

BITRATE = 64_000
"""Two voices apart, each in its channel: at less, stereo Opus lets one be heard in the other."""
COMPLEXITY = 5
"""As in a call: no difference to hear, at half of the time."""
PAGE_US = 500_000
"""How much sound an Ogg page has; pages are written as soon as they are full."""


class StereoFile:
    """Mono 16 kHz on the left, mono 24 kHz on the right; the file is new and for its owner alone."""

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
        """Sound of both sides, equally long."""
        self._left += self._resampler.convert(left)
        self._right += right
        self._encode(SPOKEN_SAMPLES)

    def close(self) -> None:
        self._left += self._resampler.flush()
        self._encode(1)
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _encode(self, least_samples: int) -> None:
        """What both sides have; the resampler keeps the left one a little behind."""
        while (samples := min(len(self._left), len(self._right), 2 * SPOKEN_SAMPLES) // 2) >= least_samples:
            left, right = (np.frombuffer(side[: 2 * samples], np.int16) for side in (self._left, self._right))
            self._left, self._right = self._left[2 * samples :], self._right[2 * samples :]
            frame = av.AudioFrame.from_ndarray(np.stack([left, right], axis=1).reshape(1, -1), "s16", "stereo")
            frame.sample_rate = SPOKEN_RATE
            self._container.mux(self._stream.encode(frame))
