"""Whisper as a model: samples in, hypotheses of their words out. It knows nothing of utterances.

Whisper pads its input to 30 s, and its encoder takes most of the time, for the padding, too. So the window here is as
long as the caller asks for. Source of the method: https://github.com/openai/whisper and the CTranslate2 documentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ctranslate2
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
    """One sound or several after the encoder: the model's view of one window."""

    encoded: Any
    speech_s: float
    """How long the sound in it is; of several sounds, the longest."""


class Model:
    """A Whisper model in CTranslate2's format."""

    def __init__(self, path: str, device: str, precision: str, threads: int) -> None:
        """`device` is cpu, cuda or auto. `precision` is one of CTranslate2's compute types, or auto.

        Raises ConfigError when the model cannot be loaded.
        """
        on_gpu = device == "cuda" or (device == "auto" and ctranslate2.get_cuda_device_count() > 0)
        compute_type = {"auto": "float16" if on_gpu else "int8"}.get(precision, precision)
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
        return self.encode_together([features], window_s)

    def encode_together(self, sounds: Sequence[NDArray[np.float32]], window_s: float) -> Window:
        """Encode the features of several sounds at once, each in a window of this length."""
        frames = round(window_s * _FRAMES_PER_S)
        frames += frames % 2  # because of the encoder's stride
        cut = [features[:, :frames] for features in sounds]
        padded = [np.pad(features, ((0, 0), (0, frames - features.shape[1]))) for features in cut]
        longest_s = max(features.shape[1] for features in sounds) / _FRAMES_PER_S
        return Window(self._whisper.encode(np.stack(padded)), longest_s)

    def hypotheses(self, window: Window, language: str, begins: Sequence[int] = (), beams: int = 1) -> list[Hypothesis]:
        """The best `beams` hypotheses, the best one first. All have the tokens `begins` at their beginning."""
        (found,) = self._generate(window, [language], begins, beams)
        return found

    def best_together(self, window: Window, languages: Sequence[str]) -> list[Hypothesis]:
        """The best hypothesis for each sound in the window."""
        return [best for (best,) in self._generate(window, languages)]

    def _generate(
        self, window: Window, languages: Sequence[str], begins: Sequence[int] = (), beams: int = 1
    ) -> list[list[Hypothesis]]:
        """The best `beams` hypotheses for each sound in the window, whose languages these are."""
        tokenizers = [self._tokenizer(language) for language in languages]
        prompts = [[*self._whisper.get_prompt(each, [], without_timestamps=True), *begins] for each in tokenizers]
        length = len(prompts[0])
        room = min(self._whisper.max_length - length, 8 + round(window.speech_s * _TOKENS_PER_S))
        results = self._whisper.model.generate(
            window.encoded,
            prompts,
            beam_size=beams,
            num_hypotheses=beams,
            max_length=length + room,
            suppress_blank=not begins,  # the text may be complete with its beginning
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_hypotheses(result, tokenizer) for result, tokenizer in zip(results, tokenizers, strict=True)]

    def _tokenizer(self, language: str) -> Tokenizer:
        multilingual = self._whisper.model.is_multilingual
        return Tokenizer(self._whisper.hf_tokenizer, multilingual, "transcribe", language or "en")

    def text(self, tokens: Sequence[int]) -> str:
        """The words that the tokens stand for."""
        return str(self._whisper.hf_tokenizer.decode(list(tokens))).strip()

    def probabilities(self, window: Window) -> dict[str, float]:
        """How likely each language is spoken in the window, by its tag. Takes as long as one token of a text."""
        if not self._whisper.model.is_multilingual:
            return {"en": 1.0}
        found = self._whisper.model.detect_language(window.encoded)[0]
        return {str(token)[2:-2]: probability for token, probability in found}


def _hypotheses(result: Any, tokenizer: Tokenizer) -> list[Hypothesis]:
    return [
        Hypothesis(
            str(tokenizer.decode(tokens)).strip(),
            tuple(tokens),
            score * len(tokens) / (len(tokens) + 1),
            result.no_speech_prob,
        )
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True)
    ]
