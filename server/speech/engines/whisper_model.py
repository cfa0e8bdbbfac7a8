"""Whisper as a model: samples in, hypotheses of their words out. It knows nothing of utterances.

Whisper pads its input to 30 s, and its encoder takes most of the time, for the padding, too. So the window here is as
long as the caller asks for. Source of the method: https://github.com/openai/whisper and the CTranslate2 documentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from server.errors import ConfigError

WINDOW_S = 30
"""The longest window: Whisper was trained on it."""
_FRAMES_PER_S = 100
_TOKENS_PER_S = 10
"""The fastest speech, in tokens per second. A text with more tokens is a loop."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What may have been said in a window."""

    text: str
    tokens: tuple[int, ...]
    """All tokens of the text, with those that were given as its beginning."""
    logprob: float
    """The mean log probability of a token that the model chose: how sure it is. OpenAI doubts a text below -1."""
    no_speech: float
    """The probability that nobody speaks."""


@dataclass(frozen=True, slots=True)
class Window:
    """Sound after the encoder: the model's view of one window."""

    encoded: Any
    speech_s: float


class Model:
    """A Whisper model in CTranslate2's format."""

    def __init__(self, path: str, device: str, precision: str, threads: int) -> None:
        """`device` is cpu, cuda or auto. `precision` is one of CTranslate2's compute types, or auto.

        Raises ConfigError when the model cannot be loaded.
        """
        compute_type = {"auto": "default" if device == "cuda" else "int8"}.get(precision, precision)
        try:
            self._whisper = WhisperModel(
                path, device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, OSError, ValueError) as exc:
            raise ConfigError(f"cannot load a Whisper model from {path}: {exc}") from exc
        self.languages = tuple(self._whisper.supported_languages)
        self.on_gpu = self._whisper.model.device == "cuda"

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-mel spectrogram of samples of -1..1 at 16 kHz: bands by frames of 10 ms."""
        spectrogram: NDArray[np.float32] = self._whisper.feature_extractor(samples)
        return spectrogram

    def encode(self, features: NDArray[np.float32], window_s: float) -> Window:
        """Encode a window of this length, filled up with silence. Takes 5 ms for each second with tiny.en on a CPU."""
        frames = round(window_s * _FRAMES_PER_S)
        frames += frames % 2  # because of the encoder's stride
        cut = features[:, :frames]
        padded = np.pad(cut, ((0, 0), (0, frames - cut.shape[1])))
        return Window(self._whisper.encode(padded), features.shape[1] / _FRAMES_PER_S)

    def hypotheses(self, window: Window, language: str, begins: Sequence[int] = (), beams: int = 1) -> list[Hypothesis]:
        """The best `beams` hypotheses, the best one first. All have the tokens `begins` at their beginning."""
        tokenizer = Tokenizer(
            self._whisper.hf_tokenizer, self._whisper.model.is_multilingual, "transcribe", language or "en"
        )
        prompt = [*self._whisper.get_prompt(tokenizer, [], without_timestamps=True), *begins]
        room = min(self._whisper.max_length - len(prompt), 8 + round(window.speech_s * _TOKENS_PER_S))
        (result,) = self._whisper.model.generate(
            window.encoded,
            [prompt],
            beam_size=beams,
            num_hypotheses=beams,
            max_length=len(prompt) + room,
            suppress_blank=not begins,  # the text may be complete with its beginning
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            Hypothesis(
                str(tokenizer.decode(tokens)).strip(),
                tuple(tokens),
                score * len(tokens) / (len(tokens) + 1),
                result.no_speech_prob,
            )
            for tokens, score in zip(result.sequences_ids, result.scores, strict=True)
        ]

    def text(self, tokens: Sequence[int]) -> str:
        """The words that the tokens stand for."""
        return str(self._whisper.hf_tokenizer.decode(list(tokens))).strip()

    def language(self, window: Window) -> str:
        """The language that is spoken in the window, as a tag."""
        if not self._whisper.model.is_multilingual:
            return "en"
        (token, _probability), *_ = self._whisper.model.detect_language(window.encoded)[0]
        return str(token)[2:-2]
