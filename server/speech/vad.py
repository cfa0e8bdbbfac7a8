"""Voice activity: webrtcvad as a cheap gate, Silero (ONNX, from faster-whisper's assets) to decide.

One Silero session serves all calls, on one thread of its own computation; each call keeps its recurrent state. A window
costs about 0.1 ms, a third of a percent of a core, so it runs on the media loop: a hop to another thread costs more.
"""

from collections import deque
from pathlib import Path

import faster_whisper
import numpy as np
import onnxruntime
import webrtcvad
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import FRAME_MS, HEARD_RATE

WINDOW = 512
"""Samples that Silero judges at a time: 32 ms."""
CONTEXT = 64
"""Samples of the window before that Silero wants in front."""
GATE_OPEN_FRAMES = 500 // FRAME_MS
"""The gate stays open so long after webrtcvad's last yes: longer than any pause that may be part of a word."""
RECENT_FRAMES = 200 // FRAME_MS
"""What Silero hears first when the gate opens, so that its state fits."""

_SCALE = np.float32(1 / 32768)


class Silero:
    """The model; shared by all calls. Raises ConfigError when it cannot be loaded."""

    def __init__(self) -> None:
        path = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
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
        """The probability of speech in CONTEXT + WINDOW samples of -1..1, and the next state."""
        probability, h, c = self._session.run(None, {"input": samples[None], "h": h, "c": c})
        return float(probability.reshape(-1)[0]), h, c


class CallVad:
    """VoiceActivity of one call."""

    def __init__(self, silero: Silero) -> None:
        self._silero = silero
        self._gate = webrtcvad.Vad(1)  # 0..3; 1 lets quiet speech pass, and Silero sorts out the rest
        self.reset()

    def reset(self) -> None:
        self._h = self._c = np.zeros((1, 1, 128), np.float32)
        self._pcm = bytes(2 * CONTEXT)
        """What the next window begins with."""
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
