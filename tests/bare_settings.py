"""Settings in a directory without a `.env`."""

from pathlib import Path

import pytest

from server.config import described


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` but a test's own."""
    monkeypatch.chdir(tmp_path)


NAMES = [setting.name for setting in described()]
