"""Models on disk are found by name or by preference, and only when they are complete."""

import os
from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech.models.catalogue import KINDS
from server.speech.models.disk import find, on_disk, remove, size_of, whispers
from tests.tiny_models import make_piper, make_smart_turn, make_whisper


def test_an_empty_directory_has_no_models(tmp_path: Path) -> None:
    """In a directory that does not exist no models are found."""
    for kind in KINDS:
        assert find(tmp_path / "nowhere", kind) is None


def test_a_model_is_found_by_name_and_by_preference(tmp_path: Path) -> None:
    """With a name exactly that model is found, without a name the best known one, else any."""
    for name in ("tiny", "zz-mine", "base.en"):
        make_whisper(tmp_path / "whisper" / name)
    make_piper(tmp_path / "piper", "xx_XX-mine-low")
    assert find(tmp_path, "whisper") == tmp_path / "whisper/base.en"
    assert find(tmp_path, "whisper", "tiny") == tmp_path / "whisper/tiny"
    assert find(tmp_path, "whisper", "small") is None
    assert find(tmp_path, "piper") == tmp_path / "piper/xx_XX-mine-low.onnx"
    make_smart_turn(tmp_path / "smart-turn", "mine")
    assert find(tmp_path, "smart-turn") == tmp_path / "smart-turn/mine.onnx"


def test_half_a_model_is_not_found(tmp_path: Path) -> None:
    """A voice without its settings, and a download that is not finished, are not found."""
    make_piper(tmp_path / "piper", "half").with_name("half.onnx.json").unlink()
    make_whisper(tmp_path / "whisper" / ".base.en")
    assert find(tmp_path, "piper") is None
    assert find(tmp_path, "whisper") is None


@pytest.mark.parametrize(
    ("there", "used"),
    [
        ([], []),
        (["tiny.en"], ["tiny.en"]),
        (["base"], ["base"]),
        (["base", "tiny.en", "small"], ["tiny.en", "base"]),
        (["base", "medium.en", "zz-mine"], ["medium.en", "base"]),
    ],
)
def test_english_has_a_whisper_of_its_own(tmp_path: Path, there: list[str], used: list[str]) -> None:
    """A model that knows only English comes first; one for other languages comes after it, if there is one."""
    for name in there:
        make_whisper(tmp_path / "whisper" / name)
    assert whispers(tmp_path) == [tmp_path / "whisper" / name for name in used]


@pytest.mark.parametrize(
    ("there", "used"),
    [([], []), (["tiny.en"], ["tiny.en"]), (["base", "tiny.en"], ["base"]), (["base.en", "zz-mine"], ["zz-mine"])],
)
def test_other_languages_need_a_whisper_that_knows_them(tmp_path: Path, there: list[str], used: list[str]) -> None:
    """Where most calls are not in English, one model serves all. Only if there is none, the English one is used."""
    for name in there:
        make_whisper(tmp_path / "whisper" / name)
    assert whispers(tmp_path, english=False) == [tmp_path / "whisper" / name for name in used]


def test_a_removed_model_is_gone(tmp_path: Path) -> None:
    """All of its files are, and the models beside it stay. What is not there cannot be removed."""
    for name in ("tiny.en", "base"):
        make_whisper(tmp_path / "whisper" / name)
    for name in ("one", "two"):
        make_piper(tmp_path / "piper", name)
    assert remove(tmp_path, "whisper", "base") == tmp_path / "whisper/base"
    remove(tmp_path, "piper", "one")
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["tiny.en", "two.onnx", "two.onnx.json"]
    with pytest.raises(ConfigError, match=r"there is no whisper model base in .*; there is: tiny\.en"):
        remove(tmp_path, "whisper", "base")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_model_of_somebody_else_cannot_be_removed(tmp_path: Path) -> None:
    """It is one line of error, and the model is still found."""
    make_piper(tmp_path / "piper", "one")
    (tmp_path / "piper").chmod(0o555)
    with pytest.raises(ConfigError, match="cannot remove"):
        remove(tmp_path, "piper", "one")
    assert list(on_disk(tmp_path, "piper")) == ["one"]


def test_the_size_of_a_model_is_that_of_its_files(tmp_path: Path) -> None:
    """A directory counts with all in it, a voice with its settings."""
    whisper, voice = make_whisper(tmp_path / "whisper/mine"), make_piper(tmp_path / "piper", "mine")
    assert size_of(whisper) == sum(file.stat().st_size for file in whisper.iterdir())
    assert size_of(voice) == sum(file.stat().st_size for file in voice.parent.iterdir())
