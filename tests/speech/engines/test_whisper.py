from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech.engines import whisper
from tests.tiny_models import WORD, make_whisper
from tests.voices import silence, speak


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> whisper.Engine:
    return whisper.Engine(str(make_whisper(tmp_path_factory.mktemp("models") / "whisper")))


@pytest.mark.parametrize("pcm", [b"", silence(5), b"\x05\0" * 16_000, speak("hi")[3200:6000]])
def test_nothing_gives_no_words(engine: whisper.Engine, pcm: bytes) -> None:
    """No sound, silence, hiss and a click give no words."""
    recognition = engine.start([])
    recognition.feed(pcm)
    assert recognition.finish() == ""


def test_speech_may_be_longer_than_the_window(engine: whisper.Engine) -> None:
    """Speech of more than half a minute is recognised in pieces."""
    recognition = engine.start(["go left"])
    recognition.feed((speak("hello there my friend") * 60)[: 2 * 16_000 * 61])
    assert recognition.finish() == f"{WORD} {WORD} {WORD}"


def test_a_draft_needs_enough_new_sound(engine: whisper.Engine) -> None:
    """A draft needs 0.7 s more sound than the last one, and words that did not change are not given again."""
    recognition = engine.start([])
    speech = speak("hello there my friend, how are you today")
    recognition.feed(speech[:16_000])
    assert recognition.draft() is None
    recognition.feed(speech[16_000:32_000])
    assert recognition.draft() == WORD
    recognition.feed(speech[32_000:64_000])
    assert recognition.draft() is None
    assert recognition.finish() == WORD
    recognition.discard()
    recognition.discard()


class Result:
    """One hypothesis, in the form that CTranslate2 gives it."""

    def __init__(self, words: str, logprob: float, no_speech_prob: float, engine: whisper.Engine) -> None:
        self.sequences_ids = [engine._model.hf_tokenizer.encode(words).ids]
        self.scores = [logprob]
        self.no_speech_prob = no_speech_prob


@pytest.mark.parametrize(
    ("short", "full", "expected"),
    [
        (("yes", -0.1, 0.1), None, "yes"),
        (("yes", -0.1, 0.9), None, "yes"),  # silence is likely, but the words are sure
        (("yes no", -2.0, 0.9), None, ""),
        (("yes " * 50, -0.1, 0.1), ("no", -0.1, 0.1), "no"),
        (("yes", -3.0, 0.1), ("no", -3.0, 0.1), "no"),
        (("yes " * 50, -0.1, 0.1), ("yes " * 50, -0.1, 0.1), ""),
    ],
)
def test_a_doubtful_result_is_checked(  # type: ignore[no-untyped-def]
    engine: whisper.Engine, monkeypatch: pytest.MonkeyPatch, short, full, expected: str
) -> None:
    """Silence gives no words. A loop or a guess is decoded again with the full window. Two loops are no words."""
    answers = [Result(*answer, engine) for answer in (short, full) if answer]  # type: ignore[misc]
    windows: list[int] = []

    class Scripted:
        is_multilingual = False

        def generate(self, *arguments, **options):  # type: ignore[no-untyped-def]
            return [answers.pop(0)]

    monkeypatch.setattr(engine._model, "model", Scripted())
    monkeypatch.setattr(engine._model, "encode", lambda features: windows.append(features.shape[1]))
    recognition = engine.start([])
    recognition.feed(speak("hello"))
    assert recognition.finish() == expected
    assert not answers
    assert windows == [1000, 3000][: len(windows)]


def test_a_chosen_language_is_not_detected(engine: whisper.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An utterance is decoded in the language that was chosen. It is detected only when none was chosen."""
    asked: list[str] = []

    def words(encoded: object, hotwords: str, language: str, heard_s: float) -> tuple[str, float]:
        asked.append(language)
        return "a", 0

    monkeypatch.setattr(engine, "_language", lambda encoded: "en")
    monkeypatch.setattr(engine, "_words", words)
    for language in ("de", ""):
        recognition = engine.start([], language)
        recognition.feed(speak("hello"))
        recognition.finish()
    assert asked == ["de", "en"]


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """No model, one that does not exist and one that is broken are ConfigErrors."""
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "voice.onnx").write_bytes(b"not a voice")
    (tmp_path / "voice.onnx.json").write_text("{}")
    for model in (None, "/nowhere", str(tmp_path), str(tmp_path / "voice.onnx")):
        with pytest.raises(ConfigError):
            whisper.Engine(model)
