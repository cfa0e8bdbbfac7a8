"""faster-whisper: the best speech-to-text that runs on a CPU. It needs a model on disk.

Whisper pads its input to 30 s, and the encoder takes time for the padding. Here the window is only as long as the
speech and a pause, but at least ten seconds, because shorter windows cost accuracy. So a short sentence takes a third
of the time. The result is checked, and a doubtful one is made again with the full window.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import HEARD_RATE

_FRAMES_PER_S = 100
_WINDOW_S = 30
_MIN_WINDOW_S = 10
_PAUSE_S = 2
"""How much silence follows the words in the window. Without it Whisper repeats itself, because it was never trained on
sentences that are cut short."""

_MIN_SPEECH_S = 0.2
"""The shortest speech. A shorter sound is a click, and Whisper would make a word of it."""
_QUIET = 0.002
"""The quietest speech, as a peak relative to full scale. Below it nobody speaks, but Whisper writes "Thank you for
watching"."""
_NO_SPEECH = 0.6
_MIN_LOGPROB = -1.0
_MAX_COMPRESSION = 2.4
"""OpenAI's own thresholds: how likely silence may be, how unsure a text may be, and how repetitive it may be."""

_TOKENS_PER_S = 10
"""The fastest speech, in tokens per second. A text with more tokens is a loop."""
_HOTWORD_CHARACTERS = 400
"""How long the hot words may be: about a hundred tokens. Each of them costs as much time as a token of the answer."""
_DRAFT_EVERY_S = 0.7
"""How much new sound a draft needs."""


class Engine:
    """A SpeechToTextEngine. `model` is a directory with a CTranslate2 Whisper model."""

    name = "whisper"

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise ConfigError("whisper needs a model; get one with: antiphon models pull")
        try:
            self._model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
        except (RuntimeError, OSError, ValueError) as exc:
            raise ConfigError(f"cannot load a Whisper model from {model}: {exc}") from exc
        self.languages = tuple(self._model.supported_languages)

    def start(self, phrases: Sequence[str], language: str = "") -> "WhisperRecognition":
        """Without `language`, the first pass over the utterance detects the language."""
        return WhisperRecognition(self, " ".join(phrases)[:_HOTWORD_CHARACTERS], language)

    def transcribe(self, samples: NDArray[np.float32], hotwords: str, language: str | None) -> tuple[str, str]:
        """Returns the words and their language, which the next pass uses. `samples` are -1..1 at 16 kHz."""
        if len(samples) < _MIN_SPEECH_S * HEARD_RATE or np.max(np.abs(samples)) < _QUIET:
            return "", language or ""
        window = _WINDOW_S * HEARD_RATE
        pieces = [samples[at : at + window] for at in range(0, len(samples), window)]
        texts = []
        for piece in pieces:
            text, language = self._piece(piece, hotwords, language)
            texts.append(text)
        return " ".join(filter(None, texts)), language or ""

    def _piece(self, samples: NDArray[np.float32], hotwords: str, language: str | None) -> tuple[str, str]:
        heard_s = len(samples) / HEARD_RATE
        features = self._model.feature_extractor(samples)
        short_s = min(_WINDOW_S, max(_MIN_WINDOW_S, heard_s + _PAUSE_S))
        for window_s in dict.fromkeys((short_s, _WINDOW_S)):
            encoded = self._model.encode(_padded(features, round(window_s * _FRAMES_PER_S)))
            language = language or self._language(encoded)
            text, logprob = self._words(encoded, hotwords, language, heard_s)
            repeats = _compression(text) > _MAX_COMPRESSION
            if not repeats and (logprob >= _MIN_LOGPROB or window_s == _WINDOW_S):
                return text, language
        return "", language or ""  # the text is a loop in both windows

    def _language(self, encoded: object) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        (token, _probability), *_ = self._model.model.detect_language(encoded)[0]
        return str(token)[2:-2]

    def _words(self, encoded: object, hotwords: str, language: str, heard_s: float) -> tuple[str, float]:
        """Decode greedily. Returns the words and the mean log probability of a token; no words if it is not speech."""
        tokenizer = Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, "transcribe", language)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=hotwords or None)
        room = self._model.max_length - len(prompt)
        (result,) = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + min(room, 8 + round(heard_s * _TOKENS_PER_S)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = result.sequences_ids[0]
        logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        if result.no_speech_prob > _NO_SPEECH and logprob < _MIN_LOGPROB:
            return "", 0.0
        return str(tokenizer.decode(tokens)).strip(), logprob


class WhisperRecognition:
    """A DraftingRecognition. It keeps all sound of the utterance, because each pass goes over the whole of it."""

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
        if len(self._pcm) - self._drafted < 2 * HEARD_RATE * _DRAFT_EVERY_S:
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
    """Cut the features to the length `frames`, or lengthen them with silence.

    `frames` is rounded up to an even number, because of the encoder's stride.
    """
    frames += frames % 2
    features = features[:, :frames]
    return np.pad(features, ((0, 0), (0, frames - features.shape[1])))


def _compression(text: str) -> float:
    """How many times smaller zlib makes the text: a large number means that it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
