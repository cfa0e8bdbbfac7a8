"""Piper text-to-speech: a natural voice on a CPU. It needs a voice on disk.

The voice is cut into pieces (`vits.py`), so that the first sound comes after 40 to 50 ms of work, however long the text
is. A voice that cannot be cut makes a whole sentence at a time. Only one thread may use Piper, because its phonemes
come from its own copy of eSpeak NG, which has global state.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from piper import PiperConfig, PiperVoice, SynthesisConfig

from server.errors import ConfigError
from server.speech.engines.phonemes import parts
from server.speech.engines.sound import Edges, Floats, gain_for, pcm
from server.speech.engines.stepwise import session
from server.speech.engines.vits import Manner, Vits
from server.speech.engines.written_english import in_words

log = logging.getLogger(__name__)

MAX_PHONEMES = 400
"""A longer sentence, half a minute of speech, is cut at a space: the work for a sentence grows with its square."""

_SAMPLE = "1 2 3 4 5 6 7 8"
"""A text that every language can read. The engine speaks it when it starts, to learn how loud the voice is."""

Speak = Callable[[Sequence[int], Manner], Iterator[Floats]]
"""Gives the sound of phoneme ids in chunks, as `Vits.speak` does."""


class Engine:
    """A TextToSpeechEngine. `model` is the path of a voice's .onnx file; its .onnx.json is beside it.

    `speed` is how fast the voice speaks, from 0.5 to 2.0; 1.0 is the voice's own speed. `threads` is how many threads
    compute a chunk.
    """

    name = "piper"

    def __init__(self, model: str | None = None, *, speed: float = 1.0, threads: int = 1) -> None:
        if not model:
            raise ConfigError("piper needs a voice; get one with: antiphon models pull")
        if not 0.5 <= speed <= 2:
            raise ConfigError(f"piper speaks at a speed from 0.5 to 2.0, not {speed:g}")
        try:
            config = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
            self._voice, self._speak = _load(Path(model), PiperConfig.from_dict(config), threads)
        except Exception as exc:  # onnxruntime's errors have no common base class
            raise ConfigError(f"cannot load a Piper voice from {model}: {exc}") from exc
        self._speed = speed
        self._gain = 1.0
        self.rate: int = self._voice.config.sample_rate
        self.languages = (_language(config, self._voice.config.espeak_voice),)
        self.speakers = tuple(self._voice.config.speaker_id_map)
        self._gain = gain_for(np.concatenate([*self._sound(_SAMPLE, self._manner("")), _NOTHING]), self.rate)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Yields mono s16le at `rate`, in chunks. `voice` is the name of a speaker, if there are several.

        A name that is unknown is ignored. An empty chunk says only that a piece of work is done.
        """
        if self.languages[0].lower().startswith("en"):
            text = in_words(text)
        edges = Edges(self.rate)
        for sound in self._sound(text, self._manner(voice)):
            yield pcm(edges.receive(sound))

    def _sound(self, text: str, manner: Manner) -> Iterator[Floats]:
        for sentence in self._voice.phonemize(_readable(text)):
            for part in parts(sentence, MAX_PHONEMES):
                for sound in self._speak(self._voice.phonemes_to_ids(part), manner):
                    yield self._gain * sound

    def _manner(self, voice: str) -> Manner:
        config = self._voice.config
        several = config.num_speakers > 1
        speaker = config.speaker_id_map.get(voice, config.default_speaker_id) if several else None
        return Manner(config.noise_scale, config.length_scale / self._speed, config.noise_w_scale, speaker)


_NOTHING: Floats = np.empty(0, np.float32)


def _load(model: Path, config: PiperConfig, threads: int) -> tuple[PiperVoice, Speak]:
    """The voice, which makes phonemes, and what makes sound of them. Raises onnxruntime's errors."""
    try:
        vits = Vits(model, threads)
        for _ in vits.speak([0], Manner(0, 1, 0, 0)):  # the pieces fit together only if they can be run
            pass
        return PiperVoice(None, config), vits.speak
    except Exception as exc:  # onnx's and onnxruntime's errors have no common base class
        voice = PiperVoice(session(str(model), threads), config)
        log.warning("this Piper voice makes a whole sentence at a time, because it cannot be cut: %s", exc)

    def speak(ids: Sequence[int], manner: Manner) -> Iterator[Floats]:
        how = SynthesisConfig(manner.speaker, manner.length, manner.noise, manner.duration_noise)
        yield np.asarray(voice.phoneme_ids_to_audio(list(ids), how), np.float32).ravel()

    return voice, speak


def _readable(text: str) -> str:
    """`text` without what Piper would take for phonemes ("[[") or cannot read: NUL, and halves of characters."""
    return text.replace("[[", "[ [").replace("\0", " ").encode("utf-8", "replace").decode()


def _language(config: dict[str, Any], phonemes: str) -> str:
    """The language that the voice's config names, else the language of its phonemes."""
    return str(config.get("language", {}).get("code", phonemes)).replace("_", "-")
