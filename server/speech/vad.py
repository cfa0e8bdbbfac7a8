"""Voice activity detection: webrtcvad is a cheap gate, and Silero (ONNX, from faster-whisper's assets) decides.

One Silero session serves all calls and computes with one thread; each call keeps its own recurrent state. A window
costs about 0.1 ms, a third of a percent of a core. So it runs on the media loop: a hop to another thread costs more.
"""

import importlib.util
from collections import deque
from pathlib import Path

import numpy as np
import onnxruntime
import webrtcvad
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import FRAME_MS, HEARD_RATE

WINDOW = 512
"""How many samples Silero judges at a time: 32 ms."""
CONTEXT = 64
"""How many samples of the window before Silero needs in front of each window."""
GATE_OPEN_FRAMES = 500 // FRAME_MS
"""How long the gate stays open after webrtcvad last reported speech: 500 ms, longer than any pause inside a word."""
RECENT_FRAMES = 200 // FRAME_MS
"""How much earlier sound Silero gets first when the gate opens: 200 ms, so that its state fits the sound."""

_SCALE = np.float32(1 / 32768)


class Silero:
    """The model, which all calls share. Raises ConfigError when it cannot be loaded."""

    def __init__(self) -> None:
        package = importlib.util.find_spec("faster_whisper")  # not imported: only its workers need all of it
        assert package is not None
        assert package.origin is not None
        path = Path(package.origin).with_name("assets") / "silero_vad_v6.onnx"
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as exc:
            raise ConfigError(f"the voice activity model cannot be loaded from {path}: {exc}") from exc

    def run(
        self, samples: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
        """The probability of speech in CONTEXT + WINDOW samples of -1..1, and the next state `h`, `c`."""
        probability, h, c = self._session.run(None, {"input": samples[None], "h": h, "c": c})
        return float(probability.reshape(-1)[0]), h, c


class CallVad:
    """The VoiceActivity of one call."""

    def __init__(self, silero: Silero) -> None:
        self._silero = silero
        self._gate = webrtcvad.Vad(1)  # of 0..3; 1 lets quiet speech pass, and Silero rejects what is not speech
        self.reset()

    def reset(self) -> None:
        self._h = self._c = np.zeros((1, 1, 128), np.float32)
        self._pcm = bytes(2 * CONTEXT)
        """Sound for the next window, which begins with its context."""
        self._recent: deque[bytes] = deque(maxlen=RECENT_FRAMES)
        self._open_frames = 0
        self._probability = 0.0

    def probability(self, pcm: bytes) -> float:
        opened = self._open_frames > 0
        if self._gate.is_speech(pcm, HEARD_RATE):
            self._open_frames = GATE_OPEN_FRAMES
        if self._open_frames == 0:
            self._recent.append(pcm)
            self._probability = 0.0
            return 0.0
        self._open_frames -= 1
        if not opened:
            pcm = b"".join(self._recent) + pcm
            self._recent.clear()
        self._pcm += pcm
        while len(self._pcm) >= 2 * (CONTEXT + WINDOW):
            samples = np.frombuffer(self._pcm, np.int16, CONTEXT + WINDOW) * _SCALE
            self._pcm = self._pcm[2 * WINDOW :]
            self._probability, self._h, self._c = self._silero.run(samples, self._h, self._c)
        return self._probability
