"""Programs of Node with unmodified libraries of npm (bundles.py). Node is the one that comes with Playwright, because
some libraries need a newer one than Debian's."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

LIMIT_S = 90
"""How long a program may run. Each step of it has its own limit."""


class Program:
    """A program that runs, and prints one line of JSON at its end."""

    def __init__(self, place: Path, script: str, *given: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [compute_driver_executable()[0], script, *given],
            cwd=place,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Any:
        """What it has printed. Fails if the program has failed."""
        printed, complaint = self._process.communicate(timeout=LIMIT_S)
        assert self._process.returncode == 0, complaint
        return json.loads(printed)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextmanager
def running(*programs: Program) -> Iterator[None]:
    """Nothing is left of them afterwards."""
    try:
        yield
    finally:
        for program in programs:
            program.stop()
