"""Speech models on disk: where they lie, which of them is used, and how one is removed.

<models>/whisper/<name>/model.bin …         a CTranslate2 Whisper, as faster-whisper downloads it
<models>/piper/<voice>.onnx, .onnx.json     a Piper voice
<models>/smart-turn/<name>.onnx             a Smart Turn model, which judges if the caller is done
"""

import shutil
from pathlib import Path

from server.errors import ConfigError
from server.speech.models.catalogue import BASE, BASE_EN, JOE, SMALL_EN, SMART_TURN, TINY_EN, Kind

_PREFERRED = (BASE_EN, SMALL_EN, TINY_EN, BASE, JOE, SMART_TURN)
"""When several models are on disk, the first of these is used: the best one that is fast enough comes first."""


def on_disk(models: Path, kind: Kind) -> dict[str, Path]:
    """All complete models of a kind, by name, those that are preferred first. An engine takes the path as its model."""
    found = {"whisper": _whispers, "piper": _pipers, "smart-turn": _smart_turns}[kind](models)
    ranks = {model.name: rank for rank, model in enumerate(_PREFERRED)}

    def order(name: str) -> tuple[bool, int, str]:
        return kind == "whisper" and not _english_only(name), ranks.get(name, len(ranks)), name

    return {name: found[name] for name in sorted(found, key=order)}


def find(models: Path, kind: Kind, name: str | None = None) -> Path | None:
    """The path of the model that is called `name`, or of the best model on disk; None when it is not there."""
    found = on_disk(models, kind)
    return next(iter(found.values()), None) if name is None else found.get(name)


def whispers(models: Path, english: bool = True) -> list[Path]:
    """The best Whisper models on disk for calls that are mostly `english`, or mostly not.

    For English: the best one, and after it the best for other languages, if the first knows only English. Otherwise:
    the best one of those that know many languages, or else the best one for English.
    """
    found = on_disk(models, "whisper")
    best = list(found.values())[:1]
    multilingual = [path for name, path in found.items() if not _english_only(name)][:1]
    if not english:
        return multilingual or best
    return best + [path for path in multilingual if path not in best]


def remove(models: Path, kind: Kind, name: str) -> Path:
    """Delete a model, and return where it was. Raises ConfigError when it is not there or may not be deleted."""
    path = find(models, kind, name)
    if path is None:
        there = ", ".join(on_disk(models, kind)) or "none"
        raise ConfigError(f"there is no {kind} model {name} in {models}; there is: {there}")
    try:
        if path.is_dir() and not path.is_symlink():
            hidden = path.with_name(f".{path.name}")  # so that `find` never sees half a model
            shutil.rmtree(hidden, ignore_errors=True)
            shutil.rmtree(path.rename(hidden))
        else:
            path.unlink()
            path.with_name(path.name + ".json").unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigError(f"cannot remove {path}: {exc.strerror}") from exc
    return path


def size_of(path: Path) -> int:
    """How many bytes a model takes: its directory, or its file and the settings beside it."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    beside = path.with_name(path.name + ".json")
    return sum(file.stat().st_size for file in [*files, *([beside] if beside.is_file() else [])])


def _english_only(name: str) -> bool:
    """As the names of all Whisper models tell."""
    return name.endswith(".en")


def _whispers(models: Path) -> dict[str, Path]:
    return {file.parent.name: file.parent for file in (models / "whisper").glob("[!.]*/model.bin")}


def _pipers(models: Path) -> dict[str, Path]:
    voices = (models / "piper").glob("[!.]*.onnx")
    return {file.stem: file for file in voices if file.with_name(file.name + ".json").is_file()}


def _smart_turns(models: Path) -> dict[str, Path]:
    return {file.stem: file for file in (models / "smart-turn").glob("[!.]*.onnx")}
