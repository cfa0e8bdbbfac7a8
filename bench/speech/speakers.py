"""Voices that say the sentences of a bench: of Piper and of hibari."""

from collections.abc import Callable

from server.speech.engines import hibari, piper
from tests.voices import resample

VOICE_ENGINES = ("espeak", "piper", "hibari")
Speaker = Callable[[str], bytes]
"""Says a text, as mono s16le at 16 kHz."""

_RATE_HZ = 16_000


def speaker(engine: str, model: str | None) -> Speaker:
    """The voice of an engine that has one voice: Piper with the .onnx file `model`, or hibari's own voice."""
    voice = piper.Engine(model) if engine == "piper" else hibari.Engine()

    def say(text: str) -> bytes:
        return resample(b"".join(voice.synthesize(text, "")), voice.rate, _RATE_HZ)

    return say
