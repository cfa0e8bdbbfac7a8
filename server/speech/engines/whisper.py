"""faster-whisper: the best speech-to-text that runs on a CPU. It needs a model on disk.

Whisper pads its input to 30 s, and the encoder takes time for the padding, too. Here the window is only as long as the
speech and a pause, but at least ten seconds. A text that Whisper is not sure of, or that is not plausible, is made
again in a longer window. So most sentences take a sixth of the time, and are understood as well (see docs/models.md).

Whisper gets no hot words: they put words into noise, and make it say sentences twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy.typing import NDArray

from server.errors import ConfigError
from server.media.frame import HEARD_RATE
from server.speech.detection import Detection
from server.speech.engines.whisper_model import WINDOW_S, Hypothesis, Model, Window
from server.speech.number_length import expected_length, lengths, with_length
from server.speech.plausibility import has_loop, too_few_words, too_many_words, without_loops

_FIRST_WINDOW_S = 10
_SECOND_WINDOW_S = 20
"""The shortest windows of the two passes. In 8 s Whisper makes twice as many errors. 20 s takes nearly three times as
long as 10 s, and its errors are as few as those in 30 s."""
_PAUSE_S = 2
"""How much silence follows the words in the window. Without it Whisper repeats itself, because it was never trained on
sentences that are cut short."""

_MIN_SPEECH_S = 0.2
"""The shortest speech. A shorter sound is a click, and Whisper would make a word of it."""
_QUIET = 0.002
"""The quietest speech, as a peak relative to full scale. Below it nobody speaks, but Whisper writes "Thank you for
watching"."""
_SURE = -0.7
"""From this mean log probability on, a text is taken as it is; below, Whisper listens again in a longer window. That is
the case for 5 % of sentences and for most single digits. From -0.8 on words get lost, and up to -0.4 none are won."""
_NOISE = 0.75
"""From this probability of silence on nobody speaks, unless Whisper is sure of the words. It is below 0.73 for speech,
and above 0.76 for most noises (186 and 40 recordings)."""
_NO_SPEECH_MAYBE = 0.5
"""From this probability on, voice detection is asked, too."""
_VOICE = 0.35
"""Voice detection's probability of a voice is below this for noises, and above 0.7 for every voice that was tried."""
_VAD_WINDOW = 512
_NO_SPEECH = 0.6
_MIN_LOGPROB = -1.0
"""OpenAI's own thresholds for silence: how likely it is, and how unsure the text is."""
_AROUND_S = 0.5
"""How much of an utterance is not speech: the sound before the voice was noticed, and the silence in which a call first
asks for the words."""
_WINDOW_BYTES = 2 * HEARD_RATE * WINDOW_S
_BATCH_ON_GPU = 8
"""How many utterances a GPU finishes at once. It hardly takes longer for eight than for one."""
_BEAMS = 5
"""How many hypotheses are looked at for a number of the expected length."""
_DRAFT_EVERY_S = 0.5
"""How much new sound a draft needs, in a short utterance. In a longer one it is a sixth of the sound before."""
_OPEN_TOKENS = 2
"""How many of the agreed tokens at the end are open for the next pass: a word that was cut short may become another."""


class Engine:
    """A SpeechToTextEngine. `model` is a directory with a CTranslate2 Whisper model."""

    name = "whisper"

    def __init__(
        self,
        model: str | None = None,
        *,
        device: str = "cpu",
        precision: str = "auto",
        threads: int = 1,
        batch: int = 0,
    ) -> None:
        """`device` is cpu, cuda or auto; `precision` is a compute type of CTranslate2 such as int8 or float16, or auto.

        `batch` is how many utterances are finished at once; 0 is as many as the device has room for.

        Raises ConfigError when the model cannot be loaded so.
        """
        if not model:
            raise ConfigError("whisper needs a model; get one with: antiphon models pull")
        self._model = Model(model, device, precision, threads)
        self._vad = get_vad_model()
        self.languages = self._model.languages
        self.batch = batch or (_BATCH_ON_GPU if self._model.on_gpu else 1)

    def start(self, phrases: Sequence[str], language: str = "", others: Sequence[str] = ()) -> "WhisperRecognition":
        """When all `phrases` are numbers of one length, that length is expected of a number in the words."""
        only = len(self.languages) == 1
        detection = Detection(self.languages[0]) if only else Detection(language, others)
        return WhisperRecognition(self, expected_length(phrases), detection)

    def glance(
        self, samples: NDArray[np.float32], detection: Detection, begins: Sequence[int] = ()
    ) -> Hypothesis | None:
        """Returns what one quick pass finds in speech that goes on; None when nobody speaks.

        `samples` are at most WINDOW_S s of -1..1 at 16 kHz. `begins` are the tokens that the words begin with, unless
        the `detection` finds another language than before.
        """
        if _too_little(samples):
            return None
        window = next(self._windows(samples))
        before, language = detection.used, self._language(window, detection, samples)
        (best,) = self._model.hypotheses(window, language, begins if language == before else ())
        return None if self._is_noise(best, samples) else best

    def hear(
        self, samples: NDArray[np.float32], detection: Detection, begins: Sequence[int] = (), digits: int = 0
    ) -> Hypothesis | None:
        """As `glance`, but the words are made sure of, in a second pass if need be.

        `digits` is how many digits a number in them should have (0: any).
        """
        if _too_little(samples):
            return None
        speech_s = _speech_s(samples)
        found: list[Hypothesis] = []
        for window in self._windows(samples):
            before, language = detection.used, self._language(window, detection, samples)
            (best,) = self._model.hypotheses(window, language, begins if not found and language == before else ())
            if self._is_noise(best, samples):
                return None
            found.append(best)
            if _is_sure(best, speech_s):
                break
        if _has_other_length(best.text, digits):
            found.append(self._with_number(window, language, digits) or best)
        return _chosen(found, speech_s)

    def _language(self, window: Window, detection: Detection, samples: NDArray[np.float32]) -> str:
        return detection.look(lambda: self._model.probabilities(window), _speech_s(samples))

    def finish_together(self, recognitions: Sequence["WhisperRecognition"]) -> list[str]:
        """The words of each. One pass is made for all; those of which it is not sure are heard again one by one."""
        found = self._glance_together([each for each in recognitions if each.fits_a_batch])
        return [
            best.text if (best := found.get(each)) and each.needs_no_second_pass(best) else each.finish()
            for each in recognitions
        ]

    def _glance_together(
        self, recognitions: Sequence["WhisperRecognition"]
    ) -> Mapping["WhisperRecognition", Hypothesis]:
        """What one pass over all of them finds."""
        if not recognitions:
            return {}
        window_s = max(_first_window_s(each.samples) for each in recognitions)
        features = [self._model.features(each.samples) for each in recognitions]
        window = self._model.encode_together(features, window_s)
        best = self._model.best_together(window, [each.language for each in recognitions])
        return dict(zip(recognitions, best, strict=True))

    def text_of(self, tokens: Sequence[int]) -> str:
        """The words that the tokens stand for."""
        return self._model.text(tokens)

    def _windows(self, samples: NDArray[np.float32]) -> Iterator[Window]:
        features, first_s = self._model.features(samples), _first_window_s(samples)
        yield self._model.encode(features, first_s)
        if first_s < WINDOW_S:
            yield self._model.encode(features, WINDOW_S if first_s >= _SECOND_WINDOW_S else _SECOND_WINDOW_S)

    def _is_noise(self, heard: Hypothesis, samples: NDArray[np.float32]) -> bool:
        """Whether nobody speaks. Where Whisper is not sure, voice detection decides, which takes 2 ms for a second."""
        if heard.no_speech < _NO_SPEECH_MAYBE:
            return False
        if heard.no_speech > _NOISE and (heard.logprob < _SURE or has_loop(heard.text)):
            return True
        padded = np.pad(samples, (0, -len(samples) % _VAD_WINDOW))
        return bool(self._vad(padded, _VAD_WINDOW).max() < _VOICE)

    def _with_number(self, window: Window, language: str, digits: int) -> Hypothesis | None:
        """The most likely hypothesis with a number of the expected length, if there is one."""
        beam = self._model.hypotheses(window, language, beams=_BEAMS)
        place = with_length([each.text for each in beam], digits)
        return None if place is None else beam[place]


def _is_sure(heard: Hypothesis, speech_s: float) -> bool:
    return heard.logprob >= _SURE and not has_loop(heard.text) and not too_few_words(heard.text, speech_s)


def _has_other_length(text: str, digits: int) -> bool:
    """Whether there are numbers in the text, but none with so many digits; False if no length is expected."""
    said = lengths(text) if digits else []
    return bool(said) and digits not in said


def _first_window_s(samples: NDArray[np.float32]) -> float:
    return min(WINDOW_S, max(_FIRST_WINDOW_S, len(samples) / HEARD_RATE + _PAUSE_S))


def _speech_s(samples: NDArray[np.float32]) -> float:
    return max(0.0, len(samples) / HEARD_RATE - _AROUND_S)


def _too_little(samples: NDArray[np.float32]) -> bool:
    return bool(len(samples) < _MIN_SPEECH_S * HEARD_RATE or np.max(np.abs(samples)) < _QUIET)


def _chosen(found: Sequence[Hypothesis], speech_s: float) -> Hypothesis | None:
    """The last hypothesis, if it can be speech. A loop in it is taken out when nobody could speak so fast."""
    best = found[-1]
    if best.no_speech > _NO_SPEECH and best.logprob < _MIN_LOGPROB:
        return None
    if has_loop(best.text) and too_many_words(best.text, speech_s):
        return Hypothesis(without_loops(best.text), (), best.logprob, best.no_speech)
    return best


class WhisperRecognition:
    """A DraftingRecognition. It keeps all sound of the utterance, because each pass goes over the whole of it.

    Words on which two passes agree are the words so far. The next pass need not find them again: it begins with them.
    """

    def __init__(self, engine: Engine, digits: int, detection: Detection) -> None:
        self._engine = engine
        self._detection = detection
        self._digits = digits
        self._pcm = bytearray()
        self._drafted = 0
        """How much sound the newest draft covers."""
        self._tokens: tuple[int, ...] = ()
        """The words of the newest draft."""
        self._agreed: tuple[int, ...] = ()
        """The words at the beginning on which the two newest drafts agree."""
        self._text = ""

    @property
    def language(self) -> str:
        return self._detection.language

    def feed(self, pcm: bytes) -> str | None:
        self._pcm += pcm
        return None

    def draft(self) -> str | None:
        new = len(self._pcm) - self._drafted
        if new < max(2 * HEARD_RATE * _DRAFT_EVERY_S, self._drafted / 6) or len(self._pcm) > _WINDOW_BYTES:
            return None
        heard = self._engine.glance(self.samples, self._detection, self._agreed[:-_OPEN_TOKENS])
        tokens = heard.tokens if heard else ()
        self._agreed = _agreement(tokens, self._tokens)
        self._tokens, self._drafted = tokens, len(self._pcm)
        before, self._text = self._text, self._engine.text_of(self._agreed)
        return None if self._text == before else self._text

    def finish(self) -> str:
        pieces = [self._pcm[at : at + _WINDOW_BYTES] for at in range(0, len(self._pcm), _WINDOW_BYTES)]
        begins = self._agreed[:-_OPEN_TOKENS]
        heard = [self._hear(piece, begins if piece is pieces[0] else ()) for piece in pieces]
        return " ".join(each.text for each in heard if each is not None and each.text)

    @property
    def samples(self) -> NDArray[np.float32]:
        """All sound of the utterance, as samples of -1..1."""
        return _samples(self._pcm)

    @property
    def fits_a_batch(self) -> bool:
        """Whether there is something to hear, no more than a window of it, and in a language that is known."""
        return bool(self.language) and len(self._pcm) <= _WINDOW_BYTES and not _too_little(self.samples)

    def needs_no_second_pass(self, heard: Hypothesis) -> bool:
        """Whether a first pass over all sound is sure of these words."""
        speech = heard.no_speech < _NO_SPEECH_MAYBE and _is_sure(heard, _speech_s(self.samples))
        return speech and not _has_other_length(heard.text, self._digits)

    def discard(self) -> None:
        self._pcm.clear()

    def _hear(self, pcm: bytes | bytearray, begins: Sequence[int]) -> Hypothesis | None:
        return self._engine.hear(_samples(pcm), self._detection, begins, self._digits)


def _samples(pcm: bytes | bytearray) -> NDArray[np.float32]:
    return np.frombuffer(bytes(pcm), "<i2").astype(np.float32) / np.float32(32768)


def _agreement(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The tokens at the beginning that both have."""
    return tuple(token for token, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
