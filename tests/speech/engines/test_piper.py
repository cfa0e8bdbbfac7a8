import json
from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech.engines import piper
from tests.tiny_models import PIPER_RATE, make_piper


def test_a_sentence_is_a_chunk(tmp_path: Path) -> None:
    """Each sentence is one chunk, at the voice's own sample rate."""
    engine = piper.Engine(str(make_piper(tmp_path)))
    assert engine.rate == PIPER_RATE
    assert len(list(engine.synthesize("Hello there. How are you?", "nobody"))) == 2
    assert list(engine.synthesize("", "")) == []


def test_the_language_is_the_voices_own(tmp_path: Path) -> None:
    """The language is the one that the voice names. An old voice that names none has the language of its phonemes."""
    old, new = make_piper(tmp_path, "old"), make_piper(tmp_path, "new")
    config = new.with_name("new.onnx.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"language": {"code": "de_DE", "family": "de"}}))
    assert piper.Engine(str(old)).languages == ("en-us",)
    assert piper.Engine(str(new)).languages == ("de-DE",)


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """No model, one that does not exist and one that is broken are ConfigErrors."""
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "voice.onnx").write_bytes(b"not a voice")
    (tmp_path / "voice.onnx.json").write_text("{}")
    for model in (None, "/nowhere", str(tmp_path), str(tmp_path / "voice.onnx")):
        with pytest.raises(ConfigError):
            piper.Engine(model)
