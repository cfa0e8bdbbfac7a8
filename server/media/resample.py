"""One stream of mono PCM from one sample rate to another, with its filter's memory kept from chunk to chunk."""

import av
import numpy as np


class Resampler:
    """Mono signed 16-bit PCM at `rate_in` → the same at `rate_out`. FFmpeg's swresample, through PyAV."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rate_in = rate_in
        self._resampler = None
        if rate_in != rate_out:
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_out)

    def convert(self, pcm: bytes) -> bytes:
        """The samples that are ready: a few ms lag behind until `flush`."""
        if self._resampler is None or not pcm:
            return pcm
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = self._rate_in
        return self._join(self._resampler.resample(frame))

    def flush(self) -> bytes:
        """The samples that are left; the stream is over."""
        return b"" if self._resampler is None else self._join(self._resampler.resample(None))

    @staticmethod
    def _join(frames: list[av.AudioFrame]) -> bytes:
        return b"".join(frame.to_ndarray().tobytes() for frame in frames)
