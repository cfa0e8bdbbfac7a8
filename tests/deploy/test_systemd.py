"""The unit for systemd, as systemd itself reads it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.proxies import DEPLOY, changed

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="apt-get install systemd")
MOST_EXPOSED = 2.0
"""Of 10, by `systemd-analyze security`. A service without any of these settings has 9.6."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that this machine has."""
    text = (DEPLOY / "antiphon.service").read_text(encoding="utf-8")
    path = tmp_path / "antiphon.service"
    path.write_text(changed(text, {"/opt/antiphon/bin/antiphon": sys.executable}), encoding="utf-8")
    return path


def analyze(*arguments: str) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_systemd_understands_every_line(unit: Path) -> None:
    """A setting that it does not know, or a value that it cannot read, would be a warning about this file."""
    assert "antiphon.service" not in analyze("verify", str(unit))


def test_the_server_may_do_little(unit: Path) -> None:
    """What a server that is broken into could do to its machine is limited."""
    found = re.search(r"exposure level for \S+: ([\d.]+)", analyze("security", "--offline=yes", str(unit)))
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSED
