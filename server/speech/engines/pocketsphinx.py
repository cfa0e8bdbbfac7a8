"""PocketSphinx, the embedded speech-to-text: always there, weak in general, good at sentences that it expects.

Two decoders hear every utterance: one knows only the agent's phrases, the other general English. The first one's words
are taken when they sound like the phrases; otherwise the second one's are, so that the agent can say that it did not
understand, instead of answering what nobody asked.
"""

import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import pairwise
from math import log10
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder
from pocketsphinx.lm import ArpaBoLM

from server.errors import ConfigError

_RATE_HZ = 16_000
_BYTES_A_SECOND = 2 * _RATE_HZ
_SLICE_BYTES = _BYTES_A_SECOND // 10

_CEPSTRAL_MEAN = "53.750,-2.492,-2.671,7.714,-7.091,-3.375,-4.999,-7.863,-3.758,-2.770,-1.242,-2.820,-1.343"
"""Of many voices at `_PEAK`, because an utterance is too short to learn its own before it is over.

Every utterance starts from it, so nothing of one call reaches another.
"""
_PEAK = 5_000.0
"""Root mean square to which the loudest 20 ms so far are brought; learnt from the first `_LEARN_BYTES`."""
_BLOCK_SAMPLES = _RATE_HZ // 50
_LEARN_BYTES = _BYTES_A_SECOND * 6 // 10
_MOST_GAIN = 20.0
_NOISE_RMS = 79.0
"""30 dB below speech: the model comes from recordings in rooms, and without a floor it mishears clean sound."""

_SHARED = {"loglevel": "FATAL", "fwdflat": False}
_GENERAL = {"bestpath": False, "beam": 1e-40, "pbeam": 1e-40, "wbeam": 1e-24, "maxhmmpf": 3_000, "maxwpf": 10}
"""Narrow beams: twice as fast for little, and its result matters only where it is a guess anyway."""
_PHRASES = {"bestpath": True, "lw": 9.0, "beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-40}
_UNSEEN = 0.1
"""Share of the language model's probability for words in an order that no phrase has."""

_POSTERIOR = 0.2
_SURE = 1.0
"""The phrases are believed when familiarity + `_POSTERIOR` * log10(posterior of the best path) is at least this.

`bench/understanding.py` shows what it costs: lower, more strange wordings are understood and more nonsense is believed.
"""
_LANGUAGES = 8
"""Agents whose phrases are kept ready; the one that was not asked for longest is dropped."""
_SPARE = 4
"""Idle decoders kept of each kind: a general one has some 85 MB, one of phrases some 15 MB."""

_CLASSES = (
    "oh zero one two three four five six seven eight nine".split(),
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
    "twenty thirty forty fifty sixty seventy eighty ninety".split(),
    "monday tuesday wednesday thursday friday saturday sunday".split(),
)
_PLACE = {word: (words, place) for words in _CLASSES for place, word in enumerate(words)}
_VARIANTS = 30
"""Of each phrase: every member of a class in every place of it, in three combinations with the other places."""

_OPEN_A = re.compile(r"\bAE\b")
"""The vowel of "thank", "can" and "that" is nearly that of "father" outside of America."""
_VOWELS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}


class Engine:
    """Decoders by language, used from one thread."""

    name = "pocketsphinx"

    def __init__(self, model: str | None = None) -> None:
        """`model` is a directory of an acoustic model, None the one in the package. Raises ConfigError."""
        self.languages = ("en-US",)  # the dictionary and the general language model are the package's, always
        self._options = _SHARED | ({"hmm": model} if model else {})
        self._models: OrderedDict[tuple[str, ...], _Language] = OrderedDict()
        self._general: list[Decoder] = []
        self.give_back(self.take_general())

    def start(self, phrases: Sequence[str], language: str = "") -> "Utterance":
        """Begin an utterance; the first with new phrases builds their language model. It hears English, always."""
        key = tuple(phrases)
        model = self._models.pop(key, None) or _Language(key, self.take_general(), self)
        self._models[key] = model
        if len(self._models) > _LANGUAGES:
            self._models.popitem(last=False)
        return Utterance(self, model)

    def take_general(self) -> Decoder:
        return self._general.pop() if self._general else self.make(**_GENERAL)

    def give_back(self, decoder: Decoder) -> None:
        if len(self._general) < _SPARE:
            self._general.append(decoder)

    def make(self, **options: object) -> Decoder:
        try:
            return Decoder(**(self._options | options))
        except (RuntimeError, ValueError) as exc:
            raise ConfigError(f"PocketSphinx cannot start: {exc}") from exc


class Utterance:
    """One utterance in both decoders."""

    def __init__(self, engine: Engine, language: "_Language") -> None:
        self._engine = engine
        self._language = language
        self._general: Decoder | None = engine.take_general()
        self._expected: Decoder | None = language.take()
        self._held = b""
        self._peak = 0.0
        self._noise_at = 0
        self._partial = ""
        for decoder in self._decoders():
            decoder.set_cmn(_CEPSTRAL_MEAN)
            decoder.start_utt()

    def feed(self, pcm: bytes) -> str | None:
        """Hear more 16 kHz PCM; returns the words so far when they changed."""
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
        """The words of all that was fed."""
        if self._general is None:
            return ""
        self._decode()
        for decoder in self._decoders():
            decoder.end_utt()
        words = self._choose()
        self._give_back()
        return words

    def discard(self) -> None:
        """Give the decoders back without a result."""
        for decoder in self._decoders():
            decoder.end_utt()
        self._give_back()

    def _decoders(self) -> Iterator[Decoder]:
        yield from (decoder for decoder in (self._expected, self._general) if decoder is not None)

    def _decode(self) -> None:
        if not self._held:
            return
        self._peak = max(self._peak, _peak(self._held))
        samples = np.frombuffer(self._held, "<i2") * min(_PEAK / max(self._peak, 1.0), _MOST_GAIN)
        self._held = b""
        noise = np.take(_NOISE, np.arange(self._noise_at, self._noise_at + len(samples)), mode="wrap")
        self._noise_at += len(samples)
        heard = np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()
        for start in range(0, len(heard), _SLICE_BYTES):
            for decoder in self._decoders():
                decoder.process_raw(heard[start : start + _SLICE_BYTES])

    def _choose(self) -> str:
        expected, general = _words(self._expected), _words(self._general)
        posterior = self._expected.get_prob() if self._expected is not None else 1.0
        sure = self._language.familiarity(expected, general) + _POSTERIOR * log10(posterior + 1e-12)
        return expected if sure >= _SURE else general

    def _give_back(self) -> None:
        if self._general is not None:
            self._engine.give_back(self._general)
        if self._expected is not None:
            self._language.give_back(self._expected)
        self._general = self._expected = None


class _Language:
    """What an agent's phrases teach: a language model, a dictionary, and which word follows which."""

    def __init__(self, phrases: Sequence[str], general: Decoder, engine: Engine) -> None:
        self._engine = engine
        self._spare: list[Decoder] = []
        self._dictionary: dict[str, list[str]] = {}
        plain = [" ".join(phrase.lower().split()) for phrase in phrases]
        for word in dict.fromkeys(word for phrase in plain for word in phrase.split()):
            if pronunciations := _pronunciations(general, word):
                self._dictionary[word] = pronunciations
        known = (phrase for phrase in plain if phrase and all(word in self._dictionary for word in phrase.split()))
        self._sentences = list(dict.fromkeys(variant for phrase in known for variant in _variants(phrase)))
        engine.give_back(general)
        self._model = _trigrams(self._sentences)
        self._pairs: set[tuple[str, ...]] = set()
        self._triples: set[tuple[str, ...]] = set()
        for sentence in self._sentences:
            words = _framed(sentence)
            self._pairs.update(pairwise(words))
            self._triples.update(zip(words, words[1:], words[2:], strict=False))

    def take(self) -> Decoder | None:
        """A decoder of the phrases; None when there are none."""
        if not self._sentences:
            return None
        return self._spare.pop() if self._spare else self._make()

    def give_back(self, decoder: Decoder) -> None:
        if len(self._spare) < _SPARE:
            self._spare.append(decoder)

    def familiarity(self, expected: str, general: str) -> float:
        """0..3: how many pairs and triples of words are in the phrases, and how far both decoders agree.

        Other speech is forced into the words of the phrases, but not into their order: "call forty three ninety".
        """
        if not expected:
            return 0.0
        words = _framed(expected)
        return (
            _share(list(pairwise(words)), self._pairs)
            + _share(list(zip(words, words[1:], words[2:], strict=False)), self._triples)
            + _agreement(expected.split(), general.split())
        )

    def _make(self) -> Decoder:
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder, "phrases.lm"), Path(folder, "phrases.dict")
            model.write_text(self._model)
            dictionary.write_text("".join(self._dictionary_lines()))
            return self._engine.make(lm=str(model), dict=str(dictionary), **_PHRASES)

    def _dictionary_lines(self) -> Iterator[str]:
        for word, pronunciations in self._dictionary.items():
            for number, phones in enumerate(pronunciations, 1):
                yield f"{word}{f'({number})' if number > 1 else ''} {phones}\n"


def _trigrams(sentences: Sequence[str]) -> str:
    """A language model in ARPA format; "" of nothing."""
    if not sentences:
        return ""
    model = ArpaBoLM(text="\n".join(sentences), add_start=True, discount_mass=_UNSEEN)
    model.compute()
    text = StringIO()
    model.write(text)
    return text.getvalue()


def _pronunciations(decoder: Decoder, word: str) -> list[str]:
    """From the dictionary, or of two words that make up this one; and as in Britain, without r and with an open a."""
    found = [decoder.lookup_word(word), *(decoder.lookup_word(f"{word}({number})") for number in range(2, 5))]
    found = [phones for phones in found if phones]
    for cut in range(2, len(word) - 1) if not found else ():
        parts = decoder.lookup_word(word[:cut]), decoder.lookup_word(word[cut:])
        if all(parts):
            found = [" ".join(parts)]
            break
    found += [_without_r(phones) for phones in found]
    found += [_OPEN_A.sub("AA", phones) for phones in found]
    return list(dict.fromkeys(found))


def _without_r(pronunciation: str) -> str:
    """ "F AO R" → "F AO", "N AH M B ER" → "N AH M B AH": no r but before a vowel."""
    phones = pronunciation.split()
    said = []
    for place, phone in enumerate(phones):
        before_vowel = place + 1 < len(phones) and phones[place + 1] in _VOWELS
        if phone == "ER" and not before_vowel:
            said.append("AH")
        elif phone != "R" or before_vowel or place == 0:
            said.append(phone)
        elif phones[place - 1] in ("IH", "EH", "UH"):
            said.append("AH")
    return " ".join(said)


def _variants(phrase: str) -> Iterator[str]:
    """The phrase with other digits, tens and weekdays in place of its own: who expects "at three" expects "at four"."""
    said = phrase.split()
    words = list(said)
    places = [place for place, word in enumerate(said) if word in _PLACE]
    for step in range(_VARIANTS if places else 1):
        for order, place in enumerate(places):
            members, member = _PLACE[said[place]]
            words[place] = members[(member + step + order * (step // len(members))) % len(members)]
        yield " ".join(words)


def _framed(sentence: str) -> list[str]:
    return ["<s>", *sentence.split(), "</s>"]


def _share(found: Sequence[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(item in known for item in found) / max(1, len(found))


def _agreement(one: Sequence[str], other: Sequence[str]) -> float:
    """1 less the word edit distance over the longer of both."""
    distance = list(range(len(other) + 1))
    for row, word in enumerate(one, 1):
        diagonal, distance[0] = distance[0], row
        for column, candidate in enumerate(other, 1):
            least = min(distance[column] + 1, distance[column - 1] + 1, diagonal + (word != candidate))
            diagonal, distance[column] = distance[column], least
    return 1 - distance[-1] / max(1, len(one), len(other))


def _words(decoder: Decoder | None) -> str:
    found = decoder.hyp() if decoder is not None else None
    return str(found.hypstr) if found else ""


def _peak(pcm: bytes) -> float:
    """Root mean square of the loudest 20 ms."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    blocks = np.array_split(samples, max(1, len(samples) // _BLOCK_SAMPLES))
    return max(float(np.sqrt(np.mean(block**2))) for block in blocks)


_NOISE = np.random.default_rng(0).normal(0, _NOISE_RMS, _RATE_HZ)
