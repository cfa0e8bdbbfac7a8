"""The program `antiphon` in the process of the tests, for commands that end at once."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.cli import main
from tests.started import EMBEDDED, ROOT


@dataclass(frozen=True)
class Result:
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Antiphon:
    """Call it with the arguments of the command. The fixtures are those of the test."""

    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, cwd: Path = ROOT, **environment: str) -> Result:
        """Run it in the directory `cwd`, with these variables in the environment."""
        with self.monkeypatch.context() as its_own:
            its_own.chdir(cwd)
            its_own.setattr(sys, "argv", ["antiphon", *arguments])
            its_own.setattr(logging.root, "handlers", [])  # so that logs go to standard error, as in a process
            its_own.setattr(logging.root, "level", logging.root.level)
            for name, value in ({"COLUMNS": "200", "ANTIPHON_STORE": ":memory:"} | EMBEDDED | environment).items():
                its_own.setenv(name, value)
            self.capfd.readouterr()
            code = 0
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
            return Result(code, *self.capfd.readouterr())


@pytest.fixture
def antiphon(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Antiphon:
    return Antiphon(monkeypatch, capfd)
