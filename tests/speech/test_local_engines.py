"""Which engines a setting means, by the models that are on disk."""

from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech import local_engines
from server.speech.local_engines import speech_to_text_engines, text_to_speech_engines
from tests.tiny_models import make_piper, make_whisper


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A directory with two Whisper models and a voice."""
    for name in ("tiny.en", "base"):
        make_whisper(tmp_path / "models/whisper" / name)
    make_piper(tmp_path / "models/piper", "en_US-joe-medium")
    return tmp_path / "models"


def stt(wish: str, models: Path, model: str = "", language: str = "en") -> list[str]:
    return [engine.title for engine in speech_to_text_engines(wish, models, model, language)]


def tts(wish: str, models: Path, model: str = "") -> list[str]:
    return [engine.title for engine in text_to_speech_engines(wish, models, model)]


def test_auto_takes_the_best_that_is_on_disk(models: Path) -> None:
    """With a second engine for the languages that the first does not know."""
    assert stt("auto", models) == ["whisper tiny.en", "whisper base"]
    assert tts("auto", models) == ["piper en_US-joe-medium", "espeak"]


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("en-GB", ["whisper tiny.en", "whisper base"]),
        ("de", ["whisper base"]),
        ("auto", ["whisper base"]),
    ],
)
def test_an_agent_of_another_language_gets_a_whisper_that_knows_it(
    models: Path, language: str, titles: list[str]
) -> None:
    """One that knows many languages hears all calls, also where the language is detected."""
    assert stt("auto", models, language=language) == stt("whisper", models, language=language) == titles
    assert stt("auto", models, "tiny.en", language) == ["whisper tiny.en"], "unless the operator has named another"


@pytest.mark.parametrize(
    ("language", "voice"),
    [("en", "en_US-joe-medium"), ("de-AT", "de_DE-eva-low"), ("en-GB", "en_US-joe-medium"), ("fr", "en_US-joe-medium")],
)
def test_an_agent_gets_the_voice_for_its_language(models: Path, language: str, voice: str) -> None:
    """If there is none on disk, the best voice speaks its own language, and eSpeak the agent's."""
    make_piper(models / "piper", "de_DE-eva-low")
    engines = text_to_speech_engines("auto", models, languages=[language])
    assert [engine.title for engine in engines] == [f"piper {voice}", "espeak"]


def test_auto_works_without_any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines that come with the packages are used, as far as they are installed."""
    assert stt("auto", tmp_path) == ["pocketsphinx"]
    monkeypatch.setattr(local_engines, "TTS_WITHOUT_MODEL", ("nobody", "espeak"))
    assert tts("auto", tmp_path) == ["espeak"]
    monkeypatch.setattr(local_engines, "TTS_WITHOUT_MODEL", ("pocketsphinx", "espeak"))
    assert tts("auto", tmp_path) == ["pocketsphinx", "espeak"]


def test_a_named_engine_is_that_one_alone(models: Path) -> None:
    """An operator who names an engine, or a model, means no other."""
    assert tts("piper", models) == ["piper en_US-joe-medium"]
    assert tts("espeak", models) == ["espeak"]
    assert stt("pocketsphinx", models) == ["pocketsphinx"]
    assert stt("whisper", models, "base") == ["whisper base"]
    assert stt("auto", models, "base") == ["whisper base"]


@pytest.mark.parametrize("wish", ["telepathy", "openai", "../whisper"])
def test_an_engine_that_is_not_here(models: Path, wish: str) -> None:
    """No worker is started for another name."""
    assert stt(wish, models) == tts(wish, models) == []


def test_a_named_engine_without_its_model_is_refused(models: Path, tmp_path: Path) -> None:
    """The error says how to get the model."""
    with pytest.raises(ConfigError, match="get one: antiphon models pull whisper"):
        stt("whisper", models, "large-v3")
    with pytest.raises(ConfigError, match="get one: antiphon models pull piper"):
        tts("piper", tmp_path / "empty")
