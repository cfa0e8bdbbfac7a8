"""A natural voice for tests in which Whisper hears: it understands hibari's as well as a person's."""

import functools

from server.speech.engines.hibari import Engine
from tests.voices import resample


@functools.cache
def say(text: str, rate_hz: int = 16_000) -> bytes:
    """The text as mono signed 16-bit PCM."""
    voice = _voice()
    return resample(b"".join(voice.synthesize(text, "")), voice.rate, rate_hz)


@functools.cache
def _voice() -> Engine:
    return Engine()
