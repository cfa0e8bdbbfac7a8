"""Whisper with real weights, because what it makes of sounds is the point. What needs no meaning uses a tiny model."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bench.speech.noises import noises
from bench.speech.word_errors import word_errors
from server.errors import ConfigError
from server.speech.engines import whisper
from tests.natural_voice import say
from tests.real_models import real_model
from tests.tiny_models import WORD, make_whisper
from tests.voices import silence, speak

PAUSE = silence(0.4)
ORDERS = ["four two seven one", "it's one eight three five"]
"""Phrases that say: a number of four digits is expected."""


@pytest.fixture(scope="module")
def engine() -> whisper.Engine:
    return whisper.Engine(str(real_model("whisper", "tiny.en")))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> whisper.Engine:
    return whisper.Engine(str(make_whisper(tmp_path_factory.mktemp("models") / "whisper")))


def said(text: str) -> bytes:
    """The words as 16 kHz PCM, with the silence around them that a call hears."""
    return PAUSE + say(text) + silence(0.08)


def hear(engine: whisper.Engine, pcm: bytes, phrases: tuple[str, ...] = (), drafts: bool = False) -> str:
    recognition = engine.start(phrases)
    for at in range(0, len(pcm), 1_920):
        recognition.feed(pcm[at : at + 1_920])
        if drafts:
            recognition.draft()
    return recognition.finish()


@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "Where is my order?",
        "Yes, please.",
        "Can somebody call me back tomorrow afternoon?",
        "I would like a large coffee with milk, and two pieces of the apple cake, please.",
    ],
)
def test_speech_is_understood(engine: whisper.Engine, text: str, drafts: bool) -> None:
    """The words are those that were said, with capitals and stops; drafts on the way do not change them."""
    heard = hear(engine, said(text), drafts=drafts)
    assert word_errors(text, heard).wrong == 0
    assert heard[0].isupper()
    assert heard[-1] in ".?"


@pytest.mark.parametrize(("name", "pcm"), [pytest.param(*noise, id=noise[0]) for noise in noises()])
def test_a_noise_has_no_words(engine: whisper.Engine, name: str, pcm: bytes) -> None:
    """Coughs, doors, keys, breath, music, tones, wind and silence have no words, alone and with silence around them."""
    assert not any(map(str.isalnum, hear(engine, pcm) + hear(engine, PAUSE + pcm + PAUSE)))


def test_phrases_do_not_become_words(engine: whisper.Engine) -> None:
    """Phrases that are expected put no words into a noise, and no words into other speech."""
    phrases = ("thank you very much", "where is my order", "goodbye")
    noise = dict(noises())["breath 4000"]
    assert not any(map(str.isalnum, hear(engine, PAUSE + noise + PAUSE, phrases)))
    assert word_errors("The train leaves at noon.", hear(engine, said("The train leaves at noon."), phrases)).wrong == 0


def test_a_sentence_is_said_once(engine: whisper.Engine) -> None:
    """However a short sentence is cut off, Whisper does not write it twice."""
    pcm = said("What are your opening hours?")
    for end in range(len(pcm) // 2 & ~1, len(pcm), 6_400):
        words = hear(engine, pcm[:end]).lower().split()
        assert words.count("opening") <= 1, words


def test_words_so_far_only_grow(engine: whisper.Engine) -> None:
    """The words so far come while the caller speaks. They are words on which two drafts agree, so they stay."""
    text = "I would like to know whether my parcel has been sent to the right address."
    pcm = said(text)
    recognition = engine.start(())
    drafts = []
    for at in range(0, len(pcm), 1_920):
        recognition.feed(pcm[at : at + 1_920])
        drafts.append(recognition.draft())
    so_far = [draft for draft in drafts if draft is not None]
    assert len(so_far) >= 3
    assert text.startswith(so_far[0])
    grown = sum(after.startswith(before) for before, after in pairwise(so_far))
    assert grown >= len(so_far) - 2
    assert word_errors(text, recognition.finish()).wrong == 0


def test_a_number_has_the_expected_length(engine: whisper.Engine) -> None:
    """Where a number of four digits is expected, a likely number of four digits is preferred to one of another length.
    Without the expectation, this one is heard with fewer digits by half of the voices."""
    voices = ["en-us", "en-us+m3", "en-gb", "en-us+f2"]
    clips = [PAUSE + speak("nine zero four six", voice) + silence(0.08) for voice in voices]
    free = sum(_digits(hear(engine, pcm)) == 4 for pcm in clips)
    expecting = sum(_digits(hear(engine, pcm, tuple(ORDERS))) == 4 for pcm in clips)
    assert free < expecting


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def test_utterances_can_be_finished_together(engine: whisper.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of several utterances of different lengths are the same as those of each alone, and one pass finds them
    all. A noise, nothing at all, and what is longer than a window, are left to a pass of their own."""
    texts = ["Where is my order?", "I would like to speak to somebody about the bill that I got last week.", "Goodbye."]
    clips = [*(said(text) for text in texts), dict(noises())["keys 1"], b"", said(texts[0]) * 20]
    expected = [hear(engine, pcm) for pcm in clips]
    together = [engine.start(()) for _ in clips]
    for recognition, pcm in zip(together, clips, strict=True):
        recognition.feed(pcm)
    assert [each.fits_a_batch for each in together] == [True, True, True, True, False, False]
    alone: list[whisper.WhisperRecognition] = []
    finish = whisper.WhisperRecognition.finish
    monkeypatch.setattr(whisper.WhisperRecognition, "finish", lambda each: (alone.append(each), finish(each))[1])
    assert engine.finish_together(together) == expected
    assert alone == together[3:]


@pytest.mark.parametrize("pcm", [b"", silence(5), b"\x05\0" * 16_000, speak("hi")[3200:6000]])
def test_nothing_gives_no_words(tiny: whisper.Engine, pcm: bytes) -> None:
    """No sound, silence, hiss and a click give no words, without asking the model: this one has words for any sound."""
    assert hear(tiny, pcm) == ""


def test_speech_may_be_longer_than_the_window(tiny: whisper.Engine) -> None:
    """Speech of more than half a minute is recognised in pieces."""
    recognition = tiny.start(["go left"])
    recognition.feed((speak("hello there my friend") * 60)[: 2 * 16_000 * 61])
    assert recognition.finish() == f"{WORD} {WORD} {WORD}"


def test_a_draft_needs_enough_new_sound(tiny: whisper.Engine) -> None:
    """A draft needs half a second more sound than the last one. The first words are told when two drafts agree, and
    once."""
    speech = speak("hello there my friend, how are you today")
    recognition = tiny.start([])
    drafts = list(_fed(recognition, speech, (0.4, 0.2, 0.4, 0.2, 0.5)))
    assert drafts == [None, None, None, WORD, None]
    assert recognition.finish() == WORD
    recognition.discard()
    recognition.discard()


def _fed(recognition: whisper.WhisperRecognition, pcm: bytes, steps_s: tuple[float, ...]) -> Iterator[str | None]:
    at = 0
    for step_s in steps_s:
        end = at + 2 * round(16_000 * step_s)
        recognition.feed(pcm[at:end])
        at = end
        yield recognition.draft()


def test_a_model_of_several_languages_is_told_the_language() -> None:
    """A model of several languages writes in the language that it is told."""
    engine = whisper.Engine(str(real_model("whisper", "base")))
    pcm = PAUSE + speak("Guten Morgen, wo ist der Bahnhof?", "de") + silence(0.08)
    texts = []
    for language in ("de", "en"):
        recognition = engine.start((), language)
        recognition.feed(pcm)
        texts.append(recognition.finish().lower())
    assert ["morgen" in text for text in texts] == [True, False]


def test_a_language_is_found_among_several() -> None:
    """A call that may be in two languages goes on in the one that is spoken, whichever it was in before. A word is too
    short to tell."""
    engine = whisper.Engine(str(real_model("whisper", "base")))
    sentences = {"en": "I would like a large coffee with milk.", "es": "Quiero un café grande con leche."}
    for language, text in sentences.items():
        for likely in ("", *sentences):
            recognition = engine.start((), likely, [other for other in ("en", "es") if other != likely])
            recognition.feed(PAUSE + speak(text, {"en": "en-us"}.get(language, language)) + silence(0.08))
            assert text.rstrip("?.").split()[-1] in recognition.finish()
            assert recognition.language == language
    recognition = engine.start((), "en", ["es"])
    recognition.feed(PAUSE + speak("Sí.", "es") + silence(0.08))
    recognition.finish()
    assert recognition.language == ""


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """No model, one that does not exist and one that is broken are ConfigErrors; so is a device that is not there."""
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "voice.onnx").write_bytes(b"not a voice")
    (tmp_path / "voice.onnx.json").write_text("{}")
    for model in (None, "/nowhere", str(tmp_path), str(tmp_path / "voice.onnx")):
        with pytest.raises(ConfigError):
            whisper.Engine(model)
    with pytest.raises(ConfigError):
        whisper.Engine(str(make_whisper(tmp_path / "whisper")), device="abacus")
