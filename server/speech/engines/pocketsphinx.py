"""PocketSphinx, the embedded speech-to-text. It needs no model on disk. It is weak in general, but good at sentences
that it expects.

Two decoders hear every utterance: one knows only the agent's phrases, the other knows general English. The words of the
first are used when the speech fits the phrases, otherwise the words of the second. So the agent can say that it did not
understand, and does not answer a question that the caller never asked.
"""

import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial
from math import log10
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder

from server.errors import ConfigError
from server.media.frame import HEARD_RATE
from server.speech.engines.phrase_language import PhraseLanguage

_SECOND_BYTES = 2 * HEARD_RATE
_SLICE_BYTES = _SECOND_BYTES // 10

_CEPSTRAL_MEAN = "53.750,-2.492,-2.671,7.714,-7.091,-3.375,-4.999,-7.863,-3.758,-2.770,-1.242,-2.820,-1.343"
"""The cepstral mean of many voices at `_PEAK`. An utterance is over before the decoder could learn the mean of its own
voice.

Every utterance starts from this mean, so nothing passes from one call to another.
"""
_PEAK = 5_000.0
"""How loud the decoders get the voice: the loudest 20 ms so far are brought to this root mean square. The loudness is
first measured over `_LEARN_BYTES`."""
_BLOCK_SAMPLES = HEARD_RATE // 50
_LEARN_BYTES = _SECOND_BYTES * 6 // 10
_MAX_GAIN = 20.0
_NOISE_RMS = 79.0
"""How loud the noise is that is added to all sound: 30 dB below speech. The model was trained on recordings in rooms.
Without such a noise floor it mishears clean sound."""

_SHARED = {"loglevel": "FATAL", "fwdflat": False}
_GENERAL = {"bestpath": False, "beam": 1e-40, "pbeam": 1e-40, "wbeam": 1e-24, "maxhmmpf": 3_000, "maxwpf": 10}
"""Narrow beams make it twice as fast and a little less accurate. Its result matters only where it is a guess anyway."""
_PHRASES = {"bestpath": True, "lw": 9.0, "beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-40}

_POSTERIOR = 0.2
_SURE = 1.0
"""The words of the phrase decoder are used when familiarity + `_POSTERIOR` * log10(posterior of the best path) is at
least this.

`bench/understanding.py` measures what this value does: with a lower one, more unusual wordings are understood,
but also more nonsense is taken for a phrase.
"""
_MAX_PHRASE_SETS = 8
"""How many lists of phrases have decoders that are kept ready. With more, those of the list that was used longest ago
are dropped."""
_MAX_IDLE = 4
"""How many idle decoders of each kind are kept. A general decoder takes some 85 MB, a phrase decoder some 15 MB."""


class Engine:
    """A SpeechToTextEngine. It keeps decoders for reuse. Only one thread may use it."""

    name = "pocketsphinx"

    def __init__(self, model: str | None = None) -> None:
        """`model` is the directory of an acoustic model; None is the model in the package. Raises ConfigError."""
        self.languages = ("en-US",)  # the dictionary and the general language model always come from the package
        self._options = _SHARED | ({"hmm": model} if model else {})
        self._expected: OrderedDict[tuple[str, ...], _PhraseDecoders] = OrderedDict()
        self._general: list[Decoder] = []
        self.give_back(self.take_general())

    def start(
        self, phrases: Sequence[str], language: str = "", others: Sequence[str] = ()
    ) -> "PocketSphinxRecognition":
        """Begin an utterance. The first utterance with new phrases builds their language model.

        `language` and `others` are ignored: this engine always expects English.
        """
        key = tuple(phrases)
        expected = self._expected.pop(key, None) or _PhraseDecoders(self, self._learn(key))
        self._expected[key] = expected
        if len(self._expected) > _MAX_PHRASE_SETS:
            self._expected.popitem(last=False)
        return PocketSphinxRecognition(self, expected)

    def take_general(self) -> Decoder:
        return self._general.pop() if self._general else self.make(**_GENERAL)

    def give_back(self, decoder: Decoder) -> None:
        if len(self._general) < _MAX_IDLE:
            self._general.append(decoder)

    def make(self, **options: object) -> Decoder:
        try:
            return Decoder(**(self._options | options))
        except (RuntimeError, ValueError) as exc:
            raise ConfigError(f"PocketSphinx cannot start: {exc}") from exc

    def _learn(self, phrases: Sequence[str]) -> PhraseLanguage:
        general = self.take_general()
        try:
            return PhraseLanguage(phrases, partial(_pronounce, general))
        finally:
            self.give_back(general)


class PocketSphinxRecognition:
    """A Recognition of one utterance by both decoders."""

    language = "en-US"

    def __init__(self, engine: Engine, phrases: "_PhraseDecoders") -> None:
        self._engine = engine
        self._phrases = phrases
        self._general: Decoder | None = engine.take_general()
        self._expected: Decoder | None = phrases.take()
        self._held = b""
        self._peak = 0.0
        self._noise_at = 0
        self._partial = ""
        for decoder in self._decoders():
            decoder.set_cmn(_CEPSTRAL_MEAN)
            decoder.start_utt()

    def feed(self, pcm: bytes) -> str | None:
        """Add 16 kHz PCM. Returns the words so far if they changed, else None."""
        self._held += pcm
        if not self._peak and len(self._held) < _LEARN_BYTES:
            return None
        self._decode()
        words = self._choose()
        if words == self._partial:
            return None
        self._partial = words
        return words

    def finish(self) -> str:
        """The words of everything that was fed; "" after the decoders were given back."""
        if self._general is None:
            return ""
        self._decode()
        for decoder in self._decoders():
            decoder.end_utt()
        words = self._choose()
        self._give_back()
        return words

    def discard(self) -> None:
        """Give the decoders back to the engine without a result."""
        for decoder in self._decoders():
            decoder.end_utt()
        self._give_back()

    def _decoders(self) -> Iterator[Decoder]:
        yield from (decoder for decoder in (self._expected, self._general) if decoder is not None)

    def _decode(self) -> None:
        if not self._held:
            return
        self._peak = max(self._peak, _peak(self._held))
        samples = np.frombuffer(self._held, "<i2") * min(_PEAK / max(self._peak, 1.0), _MAX_GAIN)
        self._held = b""
        noise = np.take(_NOISE, np.arange(self._noise_at, self._noise_at + len(samples)), mode="wrap")
        self._noise_at += len(samples)
        heard = np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()
        for start in range(0, len(heard), _SLICE_BYTES):
            for decoder in self._decoders():
                decoder.process_raw(heard[start : start + _SLICE_BYTES])

    def _choose(self) -> str:
        """The words of the phrase decoder, if the speech fits the phrases, else those of the general decoder."""
        expected, general = _words(self._expected), _words(self._general)
        posterior = self._expected.get_prob() if self._expected is not None else 1.0
        sure = self._phrases.language.familiarity(expected, general) + _POSTERIOR * log10(posterior + 1e-12)
        return expected if sure >= _SURE else general

    def _give_back(self) -> None:
        if self._general is not None:
            self._engine.give_back(self._general)
        if self._expected is not None:
            self._phrases.give_back(self._expected)
        self._general = self._expected = None


class _PhraseDecoders:
    """The decoders that know only one agent's phrases."""

    def __init__(self, engine: Engine, language: PhraseLanguage) -> None:
        self._engine = engine
        self.language = language
        self._idle: list[Decoder] = []

    def take(self) -> Decoder | None:
        """A decoder for the phrases; None when there are no phrases."""
        if not self.language.sentences:
            return None
        return self._idle.pop() if self._idle else self._make()

    def give_back(self, decoder: Decoder) -> None:
        if len(self._idle) < _MAX_IDLE:
            self._idle.append(decoder)

    def _make(self) -> Decoder:
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder, "phrases.lm"), Path(folder, "phrases.dict")
            model.write_text(self.language.arpa)
            dictionary.write_text(self.language.dictionary)
            return self._engine.make(lm=str(model), dict=str(dictionary), **_PHRASES)


def _pronounce(decoder: Decoder, word: str) -> list[str]:
    """The pronunciations of a word in the decoder's dictionary; empty when the dictionary does not have the word."""
    found = [decoder.lookup_word(word), *(decoder.lookup_word(f"{word}({number})") for number in range(2, 5))]
    return [phones for phones in found if phones]


def _words(decoder: Decoder | None) -> str:
    found = decoder.hyp() if decoder is not None else None
    return str(found.hypstr) if found else ""


def _peak(pcm: bytes) -> float:
    """The root mean square of the loudest 20 ms."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    blocks = np.array_split(samples, max(1, len(samples) // _BLOCK_SAMPLES))
    return max(float(np.sqrt(np.mean(block**2))) for block in blocks)


_NOISE = np.random.default_rng(0).normal(0, _NOISE_RMS, HEARD_RATE)
