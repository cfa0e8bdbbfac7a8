"""Libraries of npm, unmodified, for a page of Chromium: fetched once, by the hashes of a lock file, and bundled."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FETCH_S = 300

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def bundle(folder: Path, script: str) -> str:
    """The `script` of `folder` with the libraries that it imports, made anew when any of them has changed."""
    sources = [folder / name for name in ("package.json", "package-lock.json", script)]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    place = Path(sys.prefix) / folder.name / version
    made = place / "bundle.js"
    if not made.exists():
        place.mkdir(parents=True, exist_ok=True)
        for path in sources:
            shutil.copy(path, place)
        run = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(run, cwd=place, check=True, capture_output=True, timeout=FETCH_S)
        build = ["node_modules/.bin/esbuild", script, "--bundle", "--format=iife", "--outfile=bundle.part.js"]
        subprocess.run(build, cwd=place, check=True, capture_output=True, timeout=FETCH_S)
        (place / "bundle.part.js").rename(made)
    return made.read_text(encoding="utf-8")
