from itertools import pairwise

import pytest

from server.agent.demo.phrases import front_desk_phrases
from server.errors import ConfigError
from server.speech.engines.pocketsphinx import Engine
from tests.voices import silence, speak

PHRASES = front_desk_phrases()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def hear(engine: Engine, pcm: bytes, phrases: tuple[str, ...] = PHRASES) -> str:
    recognition = engine.start(phrases)
    for start in range(0, len(pcm), 640):
        recognition.feed(pcm[start : start + 640])
    return recognition.finish()


def spoken(text: str, voice: str = "en-us") -> bytes:
    return silence(0.2) + speak(text, voice) + silence(0.2)


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "what is twelve plus thirty",
        "are you open on sunday",
        "my order number is four two seven one",
        "what are your opening hours",
        "do you know my name",
        "goodbye",
        "hello",
        "thank you very much",
        "seven",
    ],
)
def test_expected_speech_is_understood(engine: Engine, text: str) -> None:
    """A sentence from the agent's phrases is recognised word by word."""
    assert hear(engine, spoken(text, "en-us+m5")) == text


def test_another_number_than_in_the_phrases_is_understood(engine: Engine) -> None:
    """A phrase with a number is recognised with another number, too."""
    text = "my order number is four two seven one"
    assert text not in PHRASES
    assert hear(engine, spoken(text, "en-us+m5")) == text


def test_unexpected_speech_is_not_forced_into_the_phrases(engine: Engine) -> None:
    """For speech that is not in the phrases the general decoder's words are used."""
    words = set(hear(engine, spoken("the quick brown fox jumps over the lazy dog")).split())
    assert words - {word for phrase in PHRASES for word in phrase.split()}


def test_without_phrases_general_english_is_heard(engine: Engine) -> None:
    """Without phrases, general English is recognised."""
    assert "my friend" in hear(engine, spoken("hello my friend"), ())


def test_partial_words_come_before_the_end(engine: Engine) -> None:
    """Partial words come before the end of the speech, and only when they have changed."""
    pcm = spoken("where is order four two seven one")
    recognition = engine.start(PHRASES)
    partials = [recognition.feed(pcm[start : start + 640]) for start in range(0, len(pcm), 640)]
    recognition.discard()

    texts = [text for text in partials if text is not None]
    assert any("where" in text for text in texts)
    assert all(one != other for one, other in pairwise(texts))


def test_an_utterance_does_not_depend_on_those_before(engine: Engine) -> None:
    """A decoder that was used for a loud voice gives the same words for the next utterance as a new decoder."""
    quiet = spoken("when do you close today", "en-gb")
    fresh = hear(Engine(), quiet)
    hear(engine, spoken("goodbye", "en-us+f2"))

    assert hear(engine, quiet) == fresh


def test_utterances_can_be_interleaved(engine: Engine) -> None:
    """Two utterances at the same time give the same words as each of them alone."""
    sounds = [spoken("where is my order"), spoken("are you open on sunday")]
    alone = [hear(engine, pcm) for pcm in sounds]
    recognitions = [engine.start(PHRASES) for _ in sounds]
    for start in range(0, max(map(len, sounds)), 640):
        for recognition, pcm in zip(recognitions, sounds, strict=True):
            recognition.feed(pcm[start : start + 640])

    assert [recognition.finish() for recognition in recognitions] == alone
    assert alone[0] != alone[1]


@pytest.mark.parametrize("pcm", [b"", silence(0.05), silence(2.0)])
def test_silence_has_no_words(engine: Engine, pcm: bytes) -> None:
    """Silence of any length gives no words."""
    assert hear(engine, pcm) == ""


def test_discard_can_be_repeated(engine: Engine) -> None:
    """A second `discard`, or one after `finish`, does nothing."""
    recognition = engine.start(PHRASES)
    recognition.feed(spoken("hello"))
    recognition.discard()
    recognition.discard()
    finished = engine.start(PHRASES)
    finished.finish()
    finished.discard()

    assert finished.finish() == ""


def test_words_without_a_pronunciation_are_left_out(engine: Engine) -> None:
    """A phrase with a word that cannot be pronounced does no harm to the other phrases."""
    assert hear(engine, spoken("hello"), ("xqzt vfgk", "", "hello")) == "hello"


def test_a_missing_model_is_a_config_error() -> None:
    """A model that does not exist is a ConfigError when the engine is made."""
    with pytest.raises(ConfigError):
        Engine("/nowhere")
