"""Piper with a real voice: what it says in chunks is what its unsplit graph says."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from piper import PiperVoice

from server.errors import ConfigError
from server.speech.engines import piper, vits
from server.speech.engines.vits import LEAD_IDS, LEAD_MARGIN, Floats, Manner, Vits
from server.speech.jobs import SynthesisJob
from tests.real_models import real_model

CALM = Manner(0, 1, 0)
"""Without noise, so that each reading is the same."""
SHORT = "Your table is booked for seven this evening."
LONG = (
    "I can see that your order left our warehouse this morning and should arrive at your house before the weekend "
    "starts and if nobody is at home then the driver will leave it with one of your neighbours down the road."
)
ODD = [
    *("😀", "…", "\0", "a\0b", "\x01\x07\x1b[31m", "日本語のテキスト", "עברית", "[[", "[[ x", "]]", "a [[hello]] b"),
    *("\ud800", "a" * 1_000, "Yes" + "!" * 300, "- " * 200, "1" * 80, "$.99 no. €1,000,000.5m approx. e.g.", "\u202e‏"),
]


@pytest.fixture(scope="module")
def model() -> Path:
    return real_model("piper")


@pytest.fixture(scope="module")
def voice(model: Path) -> PiperVoice:
    """The unsplit voice."""
    return PiperVoice.load(model)


@pytest.fixture(scope="module")
def split(model: Path) -> Vits:
    return Vits(model)


@pytest.fixture(scope="module")
def engine(model: Path) -> piper.Engine:
    return piper.Engine(str(model))


def ids_of(voice: PiperVoice, text: str) -> list[int]:
    return voice.phonemes_to_ids(voice.phonemize(text)[0])


def unsplit(voice: PiperVoice, ids: list[int]) -> Floats:
    inputs = {"input": np.array([ids]), "input_lengths": np.array([len(ids)])}
    scales = np.array([CALM.noise, CALM.length, CALM.duration_noise], np.float32)
    return voice.session.run(None, {**inputs, "scales": scales})[0].ravel()


class TestSplit:
    def test_the_chunks_are_the_unsplit_sound(self, voice: PiperVoice, split: Vits) -> None:
        """The chunks of a sentence together are the sound of the unsplit graph, to rounding."""
        ids = ids_of(voice, SHORT)
        chunks = [chunk for chunk in split.speak(ids, CALM) if len(chunk)]
        assert len(chunks) > 3
        np.testing.assert_allclose(np.concatenate(chunks), unsplit(voice, ids), atol=1e-4)

    def test_a_long_sentence_is_the_unsplit_sound(
        self, voice: PiperVoice, split: Vits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So is a long sentence, if its first words are read together with all others."""
        monkeypatch.setattr(vits, "LEAD_IDS", 10_000)
        ids = ids_of(voice, LONG)
        sound = np.concatenate(list(split.speak(ids, CALM)))
        np.testing.assert_allclose(sound, unsplit(voice, ids), atol=1e-4)

    def test_first_words_that_are_read_early(self, voice: PiperVoice, split: Vits) -> None:
        """The first words of a long sentence, read without its end, sound the same but for how long they last."""
        ids = ids_of(voice, LONG)
        assert len(ids) > LEAD_IDS + LEAD_MARGIN
        sound, whole = np.concatenate(list(split.speak(ids, CALM))), unsplit(voice, ids)
        assert 0.9 < len(sound) / len(whole) < 1.1
        rest = len(whole) // 2
        np.testing.assert_allclose(sound[-rest:], whole[-rest:], atol=1e-4)

    def test_no_step_where_chunks_join(self, voice: PiperVoice, split: Vits) -> None:
        """Between two chunks the sound does not move further than inside them."""
        chunks = [chunk for chunk in split.speak(ids_of(voice, LONG), Manner(0.667, 1, 0.8)) if len(chunk)]
        inside = max(np.abs(np.diff(chunk)).max() for chunk in chunks)
        joins = [abs(after[0] - before[-1]) for before, after in itertools.pairwise(chunks)]
        assert max(joins) <= inside

    def test_work_before_the_first_sound(self, voice: PiperVoice, split: Vits, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first chunk of a long sentence takes as much work as that of a shorter one.

        The second chunk too needs only the first words, so that there is time to read the others.
        """

        real = split.read

        def work(text: str) -> tuple[int, list[int]]:
            """How many phonemes are read, and how many steps each piece makes."""
            read, steps = [], []
            monkeypatch.setattr(split, "read", lambda ids, manner: read.append(len(ids)) or real(ids, manner))
            pieces = [(piece, Counting(run, piece.input, steps)) for piece, run in split._pieces]
            monkeypatch.setattr(split, "_pieces", pieces)
            chunks = (chunk for chunk in split.speak(ids_of(voice, text), CALM) if len(chunk))
            next(chunks)
            first = list(steps)
            next(chunks)
            monkeypatch.undo()
            return sum(read), first

        (ids, steps), (more_ids, same_steps) = work(SHORT), work(LONG)
        assert steps == same_steps
        assert ids <= LEAD_IDS + LEAD_MARGIN
        assert more_ids == LEAD_IDS


class Counting:
    """A session that notes how long the input `name` is each time."""

    def __init__(self, run, name: str, lengths: list[int]) -> None:  # type: ignore[no-untyped-def]
        self._run, self._name, self._lengths = run, name, lengths

    def run(self, outputs, inputs):  # type: ignore[no-untyped-def]
        self._lengths.append(inputs[self._name].shape[-1])
        return self._run.run(outputs, inputs)


class TestEngine:
    def test_speech_starts_with_sound(self, engine: piper.Engine) -> None:
        """The voice begins within the first 20 ms, and rises from silence."""
        start = sound_of(engine, SHORT)[: engine.rate // 50]
        assert abs(start[0]) < 50
        assert np.abs(start).max() > 100

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    def test_no_text_is_an_error(self, engine: piper.Engine, text: str) -> None:
        """A text of strange characters, or with a very long word, is no error."""
        list(engine.synthesize(text, ""))

    @pytest.mark.parametrize("text", ["", " ", "\n"])
    def test_nothing_to_say(self, engine: piper.Engine, text: str) -> None:
        """An empty text has no sound."""
        assert list(engine.synthesize(text, "")) == []

    def test_a_fast_voice(self, engine: piper.Engine, model: Path) -> None:
        """At speed 1.25 a text is shorter, though not by a fifth, because Piper rounds the length of each phoneme up.

        A speed that nobody understands is refused.
        """
        fast = len(sound_of(piper.Engine(str(model), speed=1.25), LONG))
        assert 0.75 < fast / len(sound_of(engine, LONG)) < 0.95
        with pytest.raises(ConfigError):
            piper.Engine(str(model), speed=3)

    def test_texts_are_equally_loud(self, engine: piper.Engine) -> None:
        """One word is about as loud as a sentence, and nothing is cut off at full scale."""
        short, long = (sound_of(engine, text) for text in ("Yes.", SHORT))
        assert 0.4 < np.abs(long).max() / np.abs(short).max() < 2.5
        assert max(np.abs(long).max(), np.abs(short).max()) < 32_767

    def test_a_cancelled_text_ends_soon(self, engine: piper.Engine) -> None:
        """The work for a text is done in many short steps, and none is done after the text was dropped."""
        job = SynthesisJob(engine, LONG, "", lambda result: None)
        steps = 0
        while job.urgency() == 0:
            job.step(())
            steps += 1
        assert 5 <= steps <= 16
        job.discard()
        assert job.urgency() is None


def sound_of(engine: piper.Engine, text: str) -> np.ndarray:
    return np.frombuffer(b"".join(engine.synthesize(text, "")), "<i2").astype(int)
