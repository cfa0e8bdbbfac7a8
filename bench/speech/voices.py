"""Voices that say the sentences of a bench: of eSpeak NG, of Piper and of hibari."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tests.voices import resample

VOICE_ENGINES = ("espeak", "piper", "hibari")
Speaker = Callable[[str], bytes]
"""Says a text, as mono s16le at 16 kHz."""

_RATE_HZ = 16_000


def speaker(engine: str, model: str | None) -> Speaker:
    """The voice of an engine that has one voice: Piper with the .onnx file `model`, or hibari's own voice.

    Ends the program with a sentence if hibari is not installed: it is no part of the project.
    """
    return _piper(model) if engine == "piper" else _hibari()


def _piper(model: str | None) -> Speaker:
    from server.speech.engines.piper import Engine

    engine = Engine(model)

    def say(text: str) -> bytes:
        return resample(b"".join(engine.synthesize(text, "")), engine.rate, _RATE_HZ)

    return say


def _hibari() -> Speaker:
    try:
        hibari: Any = import_module("hibari")
    except ImportError as exc:
        raise SystemExit("hibari is not installed: pip install hibari") from exc
    voice = hibari.Hibari()

    def say(text: str) -> bytes:
        samples = np.clip(voice(text, seed=0), -1, 1) * 32_767
        return resample(samples.astype("<i2").tobytes(), hibari.SAMPLE_RATE, _RATE_HZ)

    return say
