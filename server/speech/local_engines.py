"""The engines that run on this machine, in worker processes, and which of them a setting means.

auto is the best engine that can run: one that needs a model counts only if its model is on disk. Where it does not know
a language that another engine here knows, the other one runs beside it for that language.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.errors import ConfigError
from server.speech import engines
from server.speech.languages import lookup
from server.speech.models.catalogue import Kind
from server.speech.models.disk import find, on_disk, whispers

STT_WITHOUT_MODEL = ("pocketsphinx",)
TTS_WITHOUT_MODEL = ("hibari", "espeak")
"""Engines whose models come with the Python packages, the best one first."""


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """The module of an engine in `engines`, and the path of its model; None when it needs none."""

    name: str
    model: Path | None = None

    @property
    def title(self) -> str:
        """What the operator reads."""
        return (
            f"{self.name} {self.model.stem if self.model.is_file() else self.model.name}" if self.model else self.name
        )


def speech_to_text_engines(wish: str, models: Path, model: str = "", language: str = "en") -> list[LocalEngine]:
    """The engines for a wish: auto, or the name of one. The first is the best; others know other languages.

    `language` is the one of most calls (BCP 47), or anything else if they are in several.

    `models` is the directory of models, and `model` the name of one in it, if the operator has named one. Empty when no
    engine here has that name. Raises ConfigError when its model is missing.
    """
    if wish in ("auto", "whisper"):
        paths = _named(models, "whisper", model) if model else whispers(models, _is_english(language))
        if paths:
            return [LocalEngine("whisper", path) for path in paths]
    if wish == "auto":
        return [LocalEngine(_available(STT_WITHOUT_MODEL)[0])]
    return _by_name(wish, "whisper", STT_WITHOUT_MODEL, models)


def _is_english(language: str) -> bool:
    return lookup(language, ["en"]) is not None


def text_to_speech_engines(
    wish: str, models: Path, model: str = "", languages: Sequence[str] = ("en",)
) -> list[LocalEngine]:
    """The same for text-to-speech: the best voice for each of the `languages` (BCP 47), and then for all others."""
    paths = [find(models, "piper", model)] if model else [_voice(models, language) for language in languages]
    if wish in ("auto", "piper") and any(paths):
        best = [LocalEngine("piper", path) for path in dict.fromkeys(filter(None, paths))]
    elif wish == "auto":
        best = [LocalEngine(_available(TTS_WITHOUT_MODEL)[0])]
    else:
        return _by_name(wish, "piper", TTS_WITHOUT_MODEL, models)
    every_language = LocalEngine(TTS_WITHOUT_MODEL[-1])
    return best if wish != "auto" or every_language in best else [*best, every_language]


def _voice(models: Path, language: str) -> Path | None:
    """The best Piper voice on disk for the language, as the names of all Piper voices tell; else the best of any."""
    voices = on_disk(models, "piper")
    tags = {name: name.partition("-")[0] for name in voices}
    tag = lookup(language, tags.values())
    return next((path for name, path in voices.items() if tags[name] == tag), find(models, "piper"))


def _named(models: Path, kind: Kind, model: str) -> list[Path]:
    path = find(models, kind, model)
    return [path] if path else []


def _by_name(wish: str, kind: Kind, others: tuple[str, ...], models: Path) -> list[LocalEngine]:
    """Of an engine that needs a model, the model was not found before. `kind` is also the name of that engine."""
    if wish == kind:
        raise ConfigError(f"there is no {kind} model in {models}; get one: antiphon models pull {kind}")
    return [LocalEngine(wish)] if wish in others else []


def _available(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(f"{engines.__name__}.{name}")]
