"""Smart Turn v3 (ONNX, https://github.com/pipecat-ai/smart-turn, BSD-2) judges from the sound if the caller is done.

One model serves all calls, on a thread of its own: it takes 12 to 60 ms, which the callers would hear if it ran on the
media loop. Its input is the last 8 s of 16 kHz sound, with silence in front when there is less, normalised to mean 0
and variance 1, as Whisper's log-mel spectrogram of 80 bands by 800 frames.
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
"""How long an answer may take. After this time most pauses have been judged without the model."""
MAX_WAITING = 8
"""How many pauses may wait for the model. More of them wait only when the machine is too slow; those are judged without
the model."""
VARIANCE_FLOOR = 1e-7
"""Added to the variance, as in Whisper's own normalisation, so that silence stays silence."""

log = logging.getLogger(__name__)


class SmartTurn:
    """A EndpointModel. Raises ConfigError when the file is not a Smart Turn model."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self.probability(bytes(2 * SECONDS * HEARD_RATE))  # the first run is slow; another model fails in it
        except Exception as exc:
            raise ConfigError(f"{path} is not a Smart Turn model: {exc}") from exc
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")
        self._waiting = 0
        self._failed = False
        """Whether a failure was logged already: one log line is enough."""

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

    def probability(self, pcm: bytes) -> float:
        """The probability that the speech at the end of this 16 kHz PCM is done. Takes 12 to 60 ms."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        (probability,) = self._session.run(None, {"input_features": features(samples)[None]})
        return float(np.clip(probability.reshape(-1)[0], 0, 1))

    def close(self) -> None:
        """End the thread; idempotent."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _try(self, pcm: bytes) -> float | None:
        try:
            return self.probability(pcm)
        except Exception:  # whatever the failure is, the call goes on without the model
            if not self._failed:
                log.exception("the endpoint model failed; calls go on without its judgement")
            self._failed = True
            return None


def features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The model's input for samples of -1..1: a spectrogram of the shape [80, 800]."""
    count = SECONDS * HEARD_RATE
    last = samples[-count:]
    padded = np.concatenate([np.zeros(count - len(last), np.float32), last])
    normal = (padded - padded.mean()) / np.sqrt(padded.var() + VARIANCE_FLOOR)
    spectrogram: NDArray[np.float32] = _EXTRACTOR(normal, padding=0).astype(np.float32)
    return spectrogram


_EXTRACTOR = FeatureExtractor(chunk_length=SECONDS)
