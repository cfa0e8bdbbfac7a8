"""Models on disk are found by name or by preference, and only when they are complete."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech import models
from tests.started import ROOT
from tests.tiny_models import make_piper, make_smart_turn, make_whisper


def test_an_empty_directory_has_no_models(tmp_path: Path) -> None:
    """In a directory that does not exist no models are found."""
    for kind in models.DEFAULTS:
        assert models.find(tmp_path / "nowhere", kind) is None


def test_a_model_is_found_by_name_and_by_preference(tmp_path: Path) -> None:
    """With a name exactly that model is found, without a name the best known one, else any."""
    for name in ("tiny", "zz-mine", "base.en"):
        make_whisper(tmp_path / "whisper" / name)
    make_piper(tmp_path / "piper", "xx_XX-mine-low")
    assert models.find(tmp_path, "whisper") == tmp_path / "whisper/base.en"
    assert models.find(tmp_path, "whisper", "tiny") == tmp_path / "whisper/tiny"
    assert models.find(tmp_path, "whisper", "small") is None
    assert models.find(tmp_path, "piper") == tmp_path / "piper/xx_XX-mine-low.onnx"
    make_smart_turn(tmp_path / "smart-turn", "mine")
    assert models.find(tmp_path, "smart-turn") == tmp_path / "smart-turn/mine.onnx"


def test_half_a_model_is_not_found(tmp_path: Path) -> None:
    """A voice without its settings, and a download that is not finished, are not found."""
    make_piper(tmp_path / "piper", "half").with_name("half.onnx.json").unlink()
    make_whisper(tmp_path / "whisper" / ".base.en")
    assert models.find(tmp_path, "piper") is None
    assert models.find(tmp_path, "whisper") is None


def test_a_model_on_disk_is_not_downloaded(tmp_path: Path) -> None:
    """A model that is on disk is not downloaded."""
    there = make_whisper(tmp_path / "whisper" / "base.en")
    assert models.pull(tmp_path, "whisper", "base.en") == there


@pytest.mark.parametrize("kind", models.DEFAULTS)
def test_a_downloaded_model_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: models.Kind) -> None:
    """A complete download is moved to where it is found, and the downloader's own files are removed."""

    def download(name: str, part: Path) -> None:
        if kind == "piper":
            make_piper(part, name)
            return
        if kind == "smart-turn":
            make_smart_turn(part, name)
            (part / ".cache").mkdir()
            return
        for file in make_whisper(part / "made").iterdir():
            file.rename(part / file.name)
        (part / "made").rmdir()
        (part / ".cache").mkdir()

    monkeypatch.setitem(models._DOWNLOADERS, kind, download)
    found = models.pull(tmp_path, kind)
    assert found == models.find(tmp_path, kind, models.DEFAULTS[kind])
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(("kind", "name"), [(kind, "enormous") for kind in models.DEFAULTS])
def test_a_name_that_no_model_has(tmp_path: Path, kind: models.Kind, name: str) -> None:
    """A name that no model has is a ConfigError, without use of the network, and leaves no file."""
    with pytest.raises(ConfigError, match="enormous"):
        models.pull(tmp_path, kind, name)
    assert not [file for file in tmp_path.rglob("*") if "enormous" in file.name]


@pytest.mark.parametrize("kind", models.DEFAULTS)
@pytest.mark.parametrize("network", ["refuses", "is silent"])
def test_a_download_without_network_ends_soon(tmp_path: Path, kind: models.Kind, network: str) -> None:
    """When the network refuses connections or stays silent, a download soon ends with an error of one line."""
    program = (
        f"from server.speech.models import pull; from pathlib import Path; pull(Path('.'), {kind!r}, silent_s=0.5)"
    )
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        proxy = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        if network == "refuses":
            nobody.close()
        here = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        environment = {"https_proxy": proxy} | here  # a process of its own: urllib remembers proxies
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20
        )
    last = ended.stderr.strip().splitlines()[-1]
    assert "ConfigError: cannot download" in last
    assert last.endswith("the model hub cannot be reached; is this machine online?")
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix in (".bin", ".onnx")]
