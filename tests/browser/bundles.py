"""Libraries of npm, unmodified: fetched once, by the hashes of a lock file. For a page of Chromium they are bundled."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FETCH_S = 300

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def installed(folder: Path) -> Path:
    """A copy of `folder` with the libraries that its lock file names, made anew when anything of it has changed."""
    sources = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".js", ".mjs"))
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    place = Path(sys.prefix) / folder.name / version
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        for path in sources:
            shutil.copy(path, place)
        run = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(run, cwd=place, check=True, capture_output=True, timeout=FETCH_S)
        (place / "complete").touch()
    return place


def bundle(folder: Path, script: str) -> str:
    """The `script` of `folder` with the libraries that it imports."""
    place = installed(folder)
    made = place / f"{script}.bundle"
    if not made.exists():
        build = ["node_modules/.bin/esbuild", script, "--bundle", "--format=iife", f"--outfile={made}.part"]
        subprocess.run(build, cwd=place, check=True, capture_output=True, timeout=FETCH_S)
        made.with_name(f"{made.name}.part").rename(made)
    return made.read_text(encoding="utf-8")
