"""Voices that say the sentences of a bench: of Piper and of hibari."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from server.errors import ConfigError
from server.speech.engine import TextToSpeechEngine
from server.speech.engines import hibari, piper
from server.speech.models.disk import find
from tests.voices import resample

VOICE_ENGINES = ("espeak", "piper", "hibari")
Speaker = Callable[[str], bytes]
"""Says a text, as mono s16le at 16 kHz."""
VARIANTS = {
    "hibari": (1.0, 1.0),
    "hibari, high": (0.9, 1.2),
    "hibari, low": (1.15, 0.85),
    "hibari, slow": (0.8, 1.0),
    "hibari, quick": (1.3, 1.0),
}
"""How fast hibari speaks, and how much faster its sound is then played, which raises its pitch as well."""

_RATE_HZ = 16_000


def speaker(engine: str, model: Path | None) -> Speaker:
    """The voice of an engine that has one voice: Piper with the .onnx file `model`, or hibari's own voice.

    Raises ConfigError when Piper's file is not there.
    """
    if engine == "piper" and model is None:
        raise ConfigError("there is no Piper voice here; get one: antiphon models pull piper")
    return partial(_say, piper.Engine(str(model)) if engine == "piper" else hibari.Engine(), 1.0)


def natural_voices(models: Path) -> dict[str, Speaker]:
    """Voices that Whisper understands as well as people, by name: VARIANTS of hibari's, and Piper's if it is there."""
    voices: dict[str, Speaker] = {
        name: partial(_say, hibari.Engine(speed=speed), pitch) for name, (speed, pitch) in VARIANTS.items()
    }
    file = find(models, "piper")
    return voices | ({f"Piper, {file.stem}": speaker("piper", file)} if file else {})


def _say(engine: TextToSpeechEngine, pitch: float, text: str) -> bytes:
    return resample(b"".join(engine.synthesize(text, "")), round(engine.rate * pitch), _RATE_HZ)
