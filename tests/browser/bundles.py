"""Client libraries of npm, unmodified: fetched once, by the hashes of the lock file in npm/, for Node and for pages."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "npm"
FETCH_S = 300

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def installed() -> Path:
    """A directory with the libraries of the lock file, and with the scripts that use them."""
    place = Path(sys.prefix) / "npm-clients" / _version("package.json", "package-lock.json")
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        if not (place / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, place)
            _run(place, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            (place / "complete").touch()
        for script in _scripts():
            made = place / script
            if not made.exists() or made.read_bytes() != (HERE / script).read_bytes():
                shutil.copy(HERE / script, place / f"{script}.part")
                os.replace(place / f"{script}.part", made)
    return place


def bundle(script: str) -> str:
    """A script for a page, with the libraries that it imports."""
    place = installed()
    made = place / f"{script}.{_version(*_scripts())}.bundle"
    with _alone(place):
        if not made.exists():
            _run(place, "node_modules/.bin/esbuild", script, "--bundle", "--format=iife", f"--outfile={made}.part")
            os.replace(f"{made}.part", made)
    return made.read_text(encoding="utf-8")


def _scripts() -> list[str]:
    return sorted(path.name for path in HERE.iterdir() if path.suffix in (".js", ".mjs"))


def _version(*names: str) -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()[:16]


def _run(place: Path, *command: str) -> None:
    subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=FETCH_S)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Other processes of the tests wait meanwhile."""
    with (place / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
