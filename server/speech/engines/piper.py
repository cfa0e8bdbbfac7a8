"""Piper: a natural voice on a CPU, when a voice is on disk.

Piper makes a whole sentence at a time, so the first sound of a text comes after its first sentence: short clauses in,
early sound out. Its phonemes come from an eSpeak NG of its own with global state: one thread at a time.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from piper import PiperVoice, SynthesisConfig

from server.errors import ConfigError


class Engine:
    """Text to speech. `model` is a voice's .onnx; its .onnx.json lies beside it."""

    name = "piper"

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise ConfigError("piper needs a voice; get one with: antiphon models pull")
        try:
            self._voice = PiperVoice.load(model)
        except Exception as exc:  # onnxruntime's own errors have no common base
            raise ConfigError(f"no Piper voice loads from {model}: {exc}") from exc
        self.rate: int = self._voice.config.sample_rate
        self.languages = (_language(Path(f"{model}.json"), self._voice.config.espeak_voice),)
        self.speakers = tuple(self._voice.config.speaker_id_map)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Mono s16le at `rate`, a sentence at a time. `voice` is a speaker of a voice that has several."""
        speaker = self._voice.config.speaker_id_map.get(voice)
        for chunk in self._voice.synthesize(text, SynthesisConfig(speaker_id=speaker)):
            yield chunk.audio_int16_bytes


def _language(config: Path, phonemes: str) -> str:
    """The one that the voice says of itself, else the one that its phonemes are made for."""
    said = json.loads(config.read_text(encoding="utf-8")).get("language", {})
    return str(said.get("code", phonemes)).replace("_", "-")
