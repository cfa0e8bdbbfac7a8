"""Speech models on disk: find them, and download them.

<models>/whisper/<name>/model.bin …         a CTranslate2 Whisper, as faster-whisper downloads it
<models>/piper/<voice>.onnx, .onnx.json     a Piper voice
<models>/smart-turn/<name>.onnx             a Smart Turn model, which judges if the caller is done
"""

import contextlib
import errno
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from server.errors import ConfigError

Kind = Literal["whisper", "piper", "smart-turn"]

WHISPER = "base.en"
"""The best Whisper model that is fast enough for a conversation on two cores."""
PIPER = "en_US-lessac-medium"
SMART_TURN = "smart-turn-v3.2-cpu"
SMART_TURN_HOME = "pipecat-ai/smart-turn-v3"
"""Where its authors publish it on the model hub."""
DEFAULTS: dict[Kind, str] = {"whisper": WHISPER, "piper": PIPER, "smart-turn": SMART_TURN}

_PREFERRED = ("base.en", "base", "small.en", "small", "tiny.en", "tiny")
"""When several models are on disk, the first of these is used: the best one that is fast enough comes first."""


def find(models: Path, kind: Kind, name: str | None = None) -> Path | None:
    """The path of the model that is called `name`, or of the best model on disk; None when it is not there.

    The engine takes this path as its model.
    """
    found = {"whisper": _whispers, "piper": _pipers, "smart-turn": _smart_turns}[kind](models)
    if name is not None:
        return found.get(name)
    preferred = [*_PREFERRED, PIPER, SMART_TURN, *sorted(found)]
    return next((found[each] for each in preferred if each in found), None)


def _whispers(models: Path) -> dict[str, Path]:
    return {file.parent.name: file.parent for file in (models / "whisper").glob("[!.]*/model.bin")}


def _pipers(models: Path) -> dict[str, Path]:
    voices = (models / "piper").glob("[!.]*.onnx")
    return {file.stem: file for file in voices if file.with_name(file.name + ".json").is_file()}


def _smart_turns(models: Path) -> dict[str, Path]:
    return {file.stem: file for file in (models / "smart-turn").glob("[!.]*.onnx")}


def pull(
    models: Path, kind: Kind, name: str | None = None, console: Console | None = None, silent_s: float = 20.0
) -> Path:
    """Download a model unless it is on disk, show the progress on `console`, and return the model's path.

    Gives up when nothing arrives for `silent_s`: a model hub that works sends something every second. Raises
    ConfigError with a message of one line when the model hub cannot be reached or does not have the model.
    """
    name = name or DEFAULTS[kind]
    if (there := find(models, kind, name)) is not None:
        return there
    part = models / kind / f".{_folder(name)}"  # `find` does not see this name, so it never finds half a model
    try:
        part.mkdir(parents=True, exist_ok=True)
        with _progress(f"{kind} {name}", part, console or Console(stderr=True)):
            _download(kind, name, part, silent_s)
        _put_in_place(part, kind)
    except ConfigError:
        _tidy(part)
        raise
    except Exception as exc:  # the downloaders raise the errors of several HTTP libraries
        _tidy(part)
        raise ConfigError(f"cannot download {kind} model {name}: {_reason(exc)}") from exc
    found = find(models, kind, _folder(name))
    if found is None:
        raise ConfigError(f"what was downloaded for {name} is not a {kind} model")
    return found


def _folder(name: str) -> str:
    """The directory name for a name on the hub, such as "Systran/faster-whisper-base"."""
    return name.replace("/", "--").lstrip(".")


def _download(kind: Kind, name: str, part: Path, silent_s: float) -> None:
    """Wait for the downloader as long as data arrives. The downloader itself would wait for minutes without data."""
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            outcome.set_result(_DOWNLOADERS[kind](name, part))
        except BaseException as exc:  # `outcome.result()` raises it below
            outcome.set_exception(exc)

    threading.Thread(target=run, name=f"download {name}", daemon=True).start()
    size = -1
    while not wait([outcome], silent_s).done:
        before, size = size, _size(part)
        if size == before or not size:
            raise TimeoutError
    outcome.result()


def _tidy(part: Path) -> None:
    """Remove an empty directory. A partial download stays, so that the next download continues it."""
    with contextlib.suppress(OSError):
        part.rmdir()


def _download_whisper(name: str, part: Path) -> None:
    from faster_whisper import available_models, download_model  # here, because the import takes a second

    if "/" not in name and name not in available_models():
        raise ConfigError(f"there is no whisper model called {name}; there are: {', '.join(available_models())}")
    with warnings.catch_warnings():  # they are about the arguments that faster-whisper passes to the hub
        warnings.simplefilter("ignore")
        download_model(name, output_dir=str(part))


def _download_piper(name: str, part: Path) -> None:
    from piper.download_voices import VOICE_PATTERN, download_voice

    if not VOICE_PATTERN.match(name):
        raise ConfigError(f"{name} is not the name of a Piper voice; one is {PIPER}")
    download_voice(name, part, force_redownload=True)


def _download_smart_turn(name: str, part: Path) -> None:
    from huggingface_hub import hf_hub_download

    if not name.startswith("smart-turn-"):
        raise ConfigError(f"{name} is not the name of a Smart Turn model; one is {SMART_TURN}")
    hf_hub_download(SMART_TURN_HOME, f"{name}.onnx", local_dir=part)


_DOWNLOADERS: dict[Kind, Callable[[str, Path], None]] = {
    "whisper": _download_whisper,
    "piper": _download_piper,
    "smart-turn": _download_smart_turn,
}


def _put_in_place(part: Path, kind: Kind) -> None:
    """Move a complete download to where `find` looks for it."""
    shutil.rmtree(part / ".cache", ignore_errors=True)  # the hub's own downloader leaves it
    if kind == "whisper":
        whole = part.with_name(part.name.removeprefix("."))
        shutil.rmtree(whole, ignore_errors=True)
        part.rename(whole)
        return
    for file in sorted(part.iterdir(), reverse=True):  # x.onnx.json first, because `find` looks for x.onnx
        file.rename(part.parent / file.name)
    part.rmdir()


@contextlib.contextmanager
def _progress(what: str, part: Path, console: Console) -> Iterator[None]:
    """Show a progress line. The downloaders do not report progress, so it shows how many bytes are on disk."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), _SizeColumn(part), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(what, total=None)
        yield


class _SizeColumn(ProgressColumn):
    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def render(self, task: Task) -> Text:
        return Text(decimal(_size(self._directory)), style="progress.download")


def _size(directory: Path) -> int:
    size = 0
    for file in directory.rglob("*"):
        with contextlib.suppress(OSError):  # the downloader may move it at this moment
            size += file.stat().st_size if file.is_file() else 0
    return size


def _reason(exc: Exception) -> str:
    """Why a download failed, for the operator."""
    status = getattr(exc, "code", None) or getattr(getattr(exc, "response", None), "status_code", None)
    if status in (401, 404):  # the hub answers 401 for models that do not exist
        return "the model hub has no model of that name"
    if status is not None:
        return f"the model hub answered with status {status}"
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
        return "the disk is full"
    if isinstance(exc, PermissionError):
        return "the directory cannot be written to"
    return "the model hub cannot be reached; is this machine online?"
