"""faster-whisper: the best ears that run on a CPU, when a model is on disk.

Whisper pads what it hears to 30 s, and its encoder pays for the padding. Here the window is as long as the speech and
a pause, at least ten seconds, where no accuracy is lost: a third of the time for a short sentence. What that makes it
say is checked, and in doubt said again with the full window.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from server.errors import ConfigError

RATE = 16_000
_FRAMES_S = 100
_WINDOW_S = 30
_LEAST_WINDOW_S = 10
_PAUSE_S = 2
"""Silence after the words; without it Whisper repeats itself, because it was never trained on a sentence cut short."""

_LEAST_S = 0.2
"""Shorter is a click, and Whisper makes a word of it."""
_QUIET = 0.002
"""Peak of full scale: below it nobody speaks, and Whisper thanks you for watching."""
_NO_SPEECH = 0.6
_LEAST_LOGPROB = -1.0
_MOST_COMPRESSION = 2.4
"""OpenAI's own thresholds: how likely silence, how unsure, and how repetitive a text may be."""

_TOKENS_S = 10
"""Nobody speaks faster; what needs more is a loop."""
_HOTWORD_CHARACTERS = 400
"""About a hundred tokens: each costs as much as a token that is spoken."""
_DRAFT_EVERY_S = 0.7


class Engine:
    """Speech to text. `model` is a directory with a CTranslate2 Whisper model."""

    name = "whisper"

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise ConfigError("whisper needs a model; get one with: antiphon models pull")
        try:
            self._model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
        except (RuntimeError, OSError, ValueError) as exc:
            raise ConfigError(f"no Whisper model loads from {model}: {exc}") from exc
        self.languages = tuple(self._model.supported_languages)

    def start(self, phrases: Sequence[str], language: str = "") -> "Utterance":
        """Without a language the first pass over an utterance finds out which it is."""
        return Utterance(self, " ".join(phrases)[:_HOTWORD_CHARACTERS], language)

    def transcribe(self, samples: NDArray[np.float32], hotwords: str, language: str | None) -> tuple[str, str]:
        """The words, and the language that they are in, for the next pass."""
        if len(samples) < _LEAST_S * RATE or np.max(np.abs(samples)) < _QUIET:
            return "", language or ""
        pieces = [samples[at : at + _WINDOW_S * RATE] for at in range(0, len(samples), _WINDOW_S * RATE)]
        texts = []
        for piece in pieces:
            text, language = self._piece(piece, hotwords, language)
            texts.append(text)
        return " ".join(filter(None, texts)), language or ""

    def _piece(self, samples: NDArray[np.float32], hotwords: str, language: str | None) -> tuple[str, str]:
        heard_s = len(samples) / RATE
        features = self._model.feature_extractor(samples)
        short_s = min(_WINDOW_S, max(_LEAST_WINDOW_S, heard_s + _PAUSE_S))
        for window_s in dict.fromkeys((short_s, _WINDOW_S)):
            encoded = self._model.encode(_padded(features, round(window_s * _FRAMES_S)))
            language = language or self._language(encoded)
            text, logprob = self._words(encoded, hotwords, language, heard_s)
            repeats = _compression(text) > _MOST_COMPRESSION
            if not repeats and (logprob >= _LEAST_LOGPROB or window_s == _WINDOW_S):
                return text, language
        return "", language or ""  # a loop in both windows

    def _language(self, encoded: object) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        (token, _probability), *_ = self._model.model.detect_language(encoded)[0]
        return str(token)[2:-2]

    def _words(self, encoded: object, hotwords: str, language: str, heard_s: float) -> tuple[str, float]:
        """Greedy decoding, and the mean log probability of a token; "" for what is not speech."""
        tokenizer = Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, "transcribe", language)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=hotwords or None)
        room = self._model.max_length - len(prompt)
        (result,) = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + min(room, 8 + round(heard_s * _TOKENS_S)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = result.sequences_ids[0]
        logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        if result.no_speech_prob > _NO_SPEECH and logprob < _LEAST_LOGPROB:
            return "", 0.0
        return str(tokenizer.decode(tokens)).strip(), logprob


class Utterance:
    """Keeps all that was heard: each pass goes over the whole of it."""

    def __init__(self, engine: Engine, hotwords: str, language: str) -> None:
        self._engine = engine
        self._hotwords = hotwords
        self._pcm = bytearray()
        self._drafted = 0
        self._text = ""
        self._language = language

    def feed(self, pcm: bytes) -> str | None:
        self._pcm += pcm
        return None

    def draft(self) -> str | None:
        """The words so far, when enough was heard since the last time; a full pass, for a moment when nobody waits."""
        if len(self._pcm) - self._drafted < 2 * RATE * _DRAFT_EVERY_S:
            return None
        before = self._text
        return None if self._pass() == before else self._text

    def finish(self) -> str:
        return self._text if len(self._pcm) == self._drafted else self._pass()

    def discard(self) -> None:
        self._pcm.clear()

    def _pass(self) -> str:
        samples = np.frombuffer(bytes(self._pcm), "<i2").astype(np.float32) / np.float32(32768)
        self._text, self._language = self._engine.transcribe(samples, self._hotwords, self._language)
        self._drafted = len(self._pcm)
        return self._text


def _padded(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Cut or lengthened with silence to a whole, even number of frames, as the encoder's stride wants."""
    frames += frames % 2
    features = features[:, :frames]
    return np.pad(features, ((0, 0), (0, frames - features.shape[1])))


def _compression(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
