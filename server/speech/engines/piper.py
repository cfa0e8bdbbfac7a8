"""Piper text-to-speech: a natural voice on a CPU. It needs a voice on disk.

Piper makes a whole sentence at a time, so the first sound of a text comes only after its first sentence is made: short
clauses give early sound. Only one thread may use Piper, because its phonemes come from its own copy of eSpeak NG, which
has global state.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from piper import PiperVoice, SynthesisConfig

from server.errors import ConfigError


class Engine:
    """A TextToSpeechEngine. `model` is the path of a voice's .onnx file; its .onnx.json is beside it."""

    name = "piper"

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise ConfigError("piper needs a voice; get one with: antiphon models pull")
        try:
            self._voice = PiperVoice.load(model)
        except Exception as exc:  # onnxruntime's errors have no common base class
            raise ConfigError(f"cannot load a Piper voice from {model}: {exc}") from exc
        self.rate: int = self._voice.config.sample_rate
        self.languages = (_language(Path(f"{model}.json"), self._voice.config.espeak_voice),)
        self.speakers = tuple(self._voice.config.speaker_id_map)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Yields mono s16le at `rate`, one sentence at a time. `voice` is the name of a speaker, if there are several.

        A name that is unknown is ignored.
        """
        speaker = self._voice.config.speaker_id_map.get(voice)
        for chunk in self._voice.synthesize(text, SynthesisConfig(speaker_id=speaker)):
            yield chunk.audio_int16_bytes


def _language(config: Path, phonemes: str) -> str:
    """The language that the voice's config names, else the language of its phonemes."""
    said = json.loads(config.read_text(encoding="utf-8")).get("language", {})
    return str(said.get("code", phonemes)).replace("_", "-")
