"""Smart Turn v3 (ONNX, https://github.com/pipecat-ai/smart-turn, BSD-2): listens whether a person is done.

One model serves all calls, on a thread of its own: its 12 to 60 ms would be heard if they were spent on the media loop.
It is given the last 8 s of 16 kHz sound, silence in front where there is less, at mean 0 and variance 1, as Whisper's
log-mel spectrogram of 80 bands by 800 frames.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import HEARD_RATE

SECONDS = 8
DEADLINE_S = 0.3
"""After this the pause has been judged by other means, mostly."""
MAX_WAITING = 8
"""More calls than this pause within one deadline only when the machine is too slow: then words have to do."""
VARIANCE_FLOOR = 1e-7
"""Of Whisper's own normalisation: silence stays silence."""

log = logging.getLogger(__name__)


class SmartTurn:
    """A TurnModel. Raises ConfigError when the file is no such model."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self._listen(np.zeros(SECONDS * HEARD_RATE, np.float32))  # the first takes longer, and tells what it is
        except Exception as exc:
            raise ConfigError(f"{path} is not a Smart Turn model: {exc}") from exc
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")
        self._waiting = 0
        self._failed = False
        """It was said: once is enough."""

    def judge(self, pcm: bytes, tell: Callable[[float], None]) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        asked_s = loop.time()

        def answer(probability: float | None) -> None:
            self._waiting -= 1
            if probability is not None and loop.time() - asked_s <= DEADLINE_S:
                tell(probability)

        def work() -> None:
            late = loop.time() - asked_s > DEADLINE_S
            probability = None if late else self._try(pcm)
            if not loop.is_closed():
                loop.call_soon_threadsafe(answer, probability)

        self._thread.submit(work)

    def close(self) -> None:
        """End the thread; idempotent."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _try(self, pcm: bytes) -> float | None:
        try:
            return self._listen(np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768))
        except Exception:  # whatever it is, the call goes on by words
            if not self._failed:
                log.exception("the turn model failed; calls go on without what it would have told")
            self._failed = True
            return None

    def _listen(self, samples: NDArray[np.float32]) -> float:
        (probability,) = self._session.run(None, {"input_features": features(samples)[None]})
        return float(np.clip(probability.reshape(-1)[0], 0, 1))


def features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples of -1..1 as the model wants them: [80, 800]."""
    count = SECONDS * HEARD_RATE
    last = samples[-count:]
    padded = np.concatenate([np.zeros(count - len(last), np.float32), last])
    normal = (padded - padded.mean()) / np.sqrt(padded.var() + VARIANCE_FLOOR)
    spectrogram: NDArray[np.float32] = _EXTRACTOR(normal, padding=0).astype(np.float32)
    return spectrogram


_EXTRACTOR = FeatureExtractor(chunk_length=SECONDS)
