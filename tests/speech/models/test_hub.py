"""The model hub: whether it answers, and what its own downloader fetches from it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from server.speech.models.catalogue import Kind
from server.speech.models.hub import reachable
from tests.fakes.model_hub import model_hub
from tests.started import ROOT
from tests.tiny_models import make_piper, make_smart_turn, make_whisper
from tests.wheels import NOWHERE

WHISPER_FILES = ["config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub with one small model of each kind, where the makers of the real ones publish."""
    made = tmp_path_factory.mktemp("made")
    make_whisper(made / "whisper")
    voice, turn = make_piper(made / "piper"), make_smart_turn(made / "smart-turn")
    folder = "en/en_US/tiny/low"
    with model_hub(
        {
            "Systran/faster-whisper-base.en": contents(made / "whisper"),
            "rhasspy/piper-voices": {f"{folder}/{name}": file for name, file in contents(voice.parent).items()},
            "pipecat-ai/smart-turn-v3": contents(turn.parent),
        }
    ) as address:
        yield address


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def pull(hub: str, models: Path, kind: Kind, name: str) -> subprocess.CompletedProcess[str]:
    """`antiphon models pull` on a machine that reaches this hub and no package index."""
    here = {"HF_ENDPOINT": hub, "HF_HOME": str(models / "cache"), "PYTHONPATH": str(ROOT), **NOWHERE}
    command = [sys.executable, "-m", "antiphon", "models", "pull", kind, "--name", name, "--models-dir", str(models)]
    return subprocess.run(command, env=os.environ | here, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("kind", "name", "files"),
    [
        ("whisper", "base.en", WHISPER_FILES),
        ("piper", "en_US-tiny-low", ["en_US-tiny-low.onnx", "en_US-tiny-low.onnx.json"]),
        ("smart-turn", "smart-turn-tiny", ["smart-turn-tiny.onnx"]),
    ],
)
def test_a_model_is_fetched_from_the_hub(hub: str, tmp_path: Path, kind: Kind, name: str, files: list[str]) -> None:
    """With its makers' files and no others, where the server finds them."""
    result = pull(hub, tmp_path, kind, name)
    assert result.returncode == 0, result.stderr
    assert f"{kind} {name}: " in result.stderr
    assert "from the model hub" in result.stderr
    path = Path(result.stdout.strip().removeprefix(f"{kind}: "))
    folder = path if kind == "whisper" else path.parent
    assert sorted(file.name for file in folder.iterdir()) == files


def test_a_model_that_the_hub_does_not_have(hub: str, tmp_path: Path) -> None:
    """It is one line of error."""
    result = pull(hub, tmp_path, "whisper", "somebody/something")
    assert result.returncode == 2
    problem = "the model hub has no model of that name"
    assert result.stderr.splitlines()[-1] == f"antiphon: cannot download whisper model somebody/something: {problem}"


def test_a_hub_that_answers_can_be_reached(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not if the operator has told its library to stay offline."""
    monkeypatch.setattr(constants, "ENDPOINT", hub)
    assert reachable()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not reachable()


@pytest.mark.parametrize("address", ["refuses", "is silent", "http://[", "not an address"])
def test_a_hub_that_does_not_answer_is_given_up_soon(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a firewall that swallows packets."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        if address == "refuses":
            nobody.close()
        silent = address in ("refuses", "is silent")
        port = nobody.getsockname()[1] if address == "is silent" else 9
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}" if silent else address)
        assert not reachable(within_s=0.1)
