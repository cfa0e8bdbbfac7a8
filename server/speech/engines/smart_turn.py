"""Smart Turn v3 (ONNX, https://github.com/pipecat-ai/smart-turn, BSD-2) judges from the sound if the caller is done.

Its input is the last 8 s of 16 kHz sound, with silence in front when there is less, normalised to mean 0 and variance
1, as Whisper's log-mel spectrogram of 80 bands by 800 frames.

To its worker it is an engine that recognises speech: its "words" for an utterance are the probability that the caller
is done, such as "0.83". `server/speech/endpoint_worker.py` asks it.
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import HEARD_RATE
from server.speech.engines.stepwise import session

SECONDS = 8
VARIANCE_FLOOR = 1e-7
"""Added to the variance, as in Whisper's own normalisation, so that silence stays silence."""


class Engine:
    """A SpeechToTextEngine. `model` is the file of a Smart Turn model."""

    name = "smart_turn"
    languages: Sequence[str] = ()
    """It judges every language."""

    def __init__(self, model: str | None = None) -> None:
        """Raises ConfigError when the file is not a Smart Turn model."""
        try:
            self._session: onnxruntime.InferenceSession = session(str(model), 1)
            self.probability(bytes(2 * SECONDS * HEARD_RATE))  # the first run is slow, and another model fails in it
        except Exception as exc:  # onnxruntime's errors have no common base class
            raise ConfigError(f"{model} is not a Smart Turn model: {exc}") from exc

    def start(self, phrases: Sequence[str], language: str = "", others: Sequence[str] = ()) -> "Judgement":
        return Judgement(self)

    def probability(self, pcm: bytes) -> float:
        """The probability that the speech at the end of this 16 kHz PCM is done. Takes 12 to 60 ms."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        (probability,) = self._session.run(None, {"input_features": features(samples)[None]})
        return float(np.clip(probability.reshape(-1)[0], 0, 1))


class Judgement:
    """A Recognition whose words are a probability."""

    language = ""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> str | None:
        self._pcm += pcm
        return None

    def finish(self) -> str:
        return f"{self._engine.probability(bytes(self._pcm)):.4f}"

    def discard(self) -> None:
        self._pcm.clear()


def features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The model's input for samples of -1..1: a spectrogram of the shape [80, 800]."""
    count = SECONDS * HEARD_RATE
    last = samples[-count:]
    padded = np.concatenate([np.zeros(count - len(last), np.float32), last])
    normal = (padded - padded.mean()) / np.sqrt(padded.var() + VARIANCE_FLOOR)
    spectrogram: NDArray[np.float32] = _EXTRACTOR(normal, padding=0).astype(np.float32)
    return spectrogram


_EXTRACTOR = FeatureExtractor(chunk_length=SECONDS)
