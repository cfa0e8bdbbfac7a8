"""Speech models on disk: where they are, which are there, and how to get one.

<models>/whisper/<name>/model.bin …         a CTranslate2 Whisper, as faster-whisper downloads it
<models>/piper/<voice>.onnx, .onnx.json     a Piper voice
<models>/smart-turn/<name>.onnx             a Smart Turn: it listens whether a person is done
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
"""The best that answers within a conversation on two cores."""
PIPER = "en_US-lessac-medium"
SMART_TURN = "smart-turn-v3.2-cpu"
SMART_TURN_HOME = "pipecat-ai/smart-turn-v3"
"""The repository of its makers on the hub."""
DEFAULTS: dict[Kind, str] = {"whisper": WHISPER, "piper": PIPER, "smart-turn": SMART_TURN}

_PREFERRED = ("base.en", "base", "small.en", "small", "tiny.en", "tiny")
"""When several are there: the best one that is fast enough goes first."""


def find(models: Path, kind: Kind, name: str | None = None) -> Path | None:
    """What to hand to the engine as its model: the one called `name`, or the best that is there, or None."""
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
    """Download a model, unless it is there, and say how far it is on `console`; its path.

    Gives up when nothing arrives for `silent_s`: a model hub that is there sends something every second. Raises
    ConfigError in one line when the model hub cannot be reached or has no such model.
    """
    name = name or DEFAULTS[kind]
    if (there := find(models, kind, name)) is not None:
        return there
    part = models / kind / f".{_folder(name)}"  # hidden from `find` until it is whole
    try:
        part.mkdir(parents=True, exist_ok=True)
        with _progress(f"{kind} {name}", part, console or Console(stderr=True)):
            _download(kind, name, part, silent_s)
        _take(part, kind)
    except ConfigError:
        _tidy(part)
        raise
    except Exception as exc:  # the downloaders raise whatever their HTTP libraries do
        _tidy(part)
        raise ConfigError(f"cannot download {kind} model {name}: {_reason(exc)}") from exc
    found = find(models, kind, _folder(name))
    if found is None:
        raise ConfigError(f"what was downloaded for {name} is not a {kind} model")
    return found


def _folder(name: str) -> str:
    """A name on the hub, "Systran/faster-whisper-base", as the name of one directory."""
    return name.replace("/", "--").lstrip(".")


def _download(kind: Kind, name: str, part: Path, silent_s: float) -> None:
    """Wait for the downloader as long as something arrives: its own limits let it be silent for minutes."""
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            outcome.set_result(_DOWNLOADERS[kind](name, part))
        except BaseException as exc:  # for who waits, to raise
            outcome.set_exception(exc)

    threading.Thread(target=run, name=f"download {name}", daemon=True).start()
    size = -1
    while not wait([outcome], silent_s).done:
        before, size = size, _size(part)
        if size == before or not size:
            raise TimeoutError
    outcome.result()


def _tidy(part: Path) -> None:
    """An empty directory goes; what has begun to arrive stays, for the next time to go on."""
    with contextlib.suppress(OSError):
        part.rmdir()


def _download_whisper(name: str, part: Path) -> None:
    from faster_whisper import available_models, download_model  # here: they take a second that only this needs

    if "/" not in name and name not in available_models():
        raise ConfigError(f"there is no whisper model called {name}; there are: {', '.join(available_models())}")
    with warnings.catch_warnings():  # about arguments between faster-whisper and the hub, not about ours
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


def _take(part: Path, kind: Kind) -> None:
    """Move what is whole to where it is found."""
    shutil.rmtree(part / ".cache", ignore_errors=True)  # of the hub's own downloader
    if kind == "whisper":
        whole = part.with_name(part.name.removeprefix("."))
        shutil.rmtree(whole, ignore_errors=True)
        part.rename(whole)
        return
    for file in sorted(part.iterdir(), reverse=True):  # x.onnx.json before x.onnx
        file.rename(part.parent / file.name)
    part.rmdir()


@contextlib.contextmanager
def _progress(what: str, part: Path, console: Console) -> Iterator[None]:
    """The downloaders do not say how far they are, so what is on disk is counted."""
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
        with contextlib.suppress(OSError):  # moved meanwhile
            size += file.stat().st_size if file.is_file() else 0
    return size


def _reason(exc: Exception) -> str:
    status = getattr(exc, "code", None) or getattr(getattr(exc, "response", None), "status_code", None)
    if status in (401, 404):  # the hub says 401 for what does not exist
        return "the model hub has none of that name"
    if status is not None:
        return f"the model hub answered with status {status}"
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
        return "the disk is full"
    if isinstance(exc, PermissionError):
        return "the directory cannot be written to"
    return "the model hub cannot be reached; is this machine online?"
