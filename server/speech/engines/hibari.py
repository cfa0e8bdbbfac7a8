"""hibari text-to-speech: a small neural voice of American English, inside its Python package. It needs no download.

The package can download other voices on first use. That never happens here: this file uses only the package's parts
that read text and shape sound, with the voice that is in the package or one that lies on disk. It runs the model
itself, so that sound comes in chunks (`hibari_frames.py`).
"""

import json
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import onnx
from hibari import Hibari
from hibari.g2p import G2P
from hibari.tts import ASSETS
from hibari.voices import DEFAULT, VOICES
from numpy.typing import NDArray

from server.errors import ConfigError
from server.speech.engines.graph import Graph
from server.speech.engines.hibari_frames import RATE, Frames, Renderer
from server.speech.engines.phonemes import parts
from server.speech.engines.sound import Edges, Floats, gain_for, pcm
from server.speech.engines.stepwise import Stepwise

_OUTPUTS = ("lh", "theta", "ln", "lr", "phi", "f0")

MODEL_PARTS = 4
"""The model takes 55 ms for 40 words, so it is run in parts."""

MAX_PHONEMES = 400
"""The model was not trained with longer sentences. They are cut at a space."""

LEAD_IDS, LEAD_MARGIN = 48, 16
"""The model reads a whole sentence, and takes 55 ms for 40 words. To begin earlier, it reads only the first LEAD_IDS
phonemes of a long sentence. The last LEAD_MARGIN of these are not spoken, because they were read without the words that
follow. Then it reads the whole sentence for the rest."""

FIRST_FRAMES, CHUNK_FRAMES = 20, 48
"""How many frames of 12.5 ms make the first chunk and the others."""

SILENT_FRAMES = 6
"""A sentence begins with 28 frames of silence. The voice is heard in the last few of them, so these are kept."""

PAUSE_S = 0.2
"""How much of the silence after a sentence is kept. The model adds 450 ms."""

_SAMPLE = "One, two, three, four, five, six, seven, eight."
"""The engine speaks this when it starts, to learn how loud the voice is."""


class Engine:
    """A TextToSpeechEngine. `model` is the path of another voice of hibari, an .onnx file with the name that hibari
    gives it.

    `speed` is how fast the voice speaks, from 0.5 to 2.0; 1.0 is the voice's own speed. `threads` is how many threads
    run the model.
    """

    name = "hibari"
    rate = RATE

    def __init__(self, model: str | None = None, *, speed: float = 1.0, threads: int = 1) -> None:
        if not 0.5 <= speed <= 2:
            raise ConfigError(f"hibari speaks at a speed from 0.5 to 2.0, not {speed:g}")
        path = Path(model or Path(ASSETS) / VOICES[DEFAULT]["file"])
        about = next((voice for voice in VOICES.values() if voice["file"] == path.name), VOICES[DEFAULT])
        try:
            graph = Graph(onnx.load(path))
            (self._ends,) = (node.output[0] for node in graph.nodes if node.op_type == "CumSum")
            self._model = Stepwise(graph.parts([*_OUTPUTS, self._ends], MODEL_PARTS), threads)
            self._numbers: dict[str, int] = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
            self._g2p = G2P(british=about["british"])
            self._speed = np.array([speed], np.float32)
            self._gain = 1.0
            self._gain = gain_for(np.concatenate([each for each in self._sound(_SAMPLE) if each is not None]), RATE)
        except Exception as exc:  # onnx's and onnxruntime's errors have no common base class
            raise ConfigError(f"cannot load a voice of hibari from {path.name}: {exc}") from exc
        self.languages: tuple[str, ...] = (about["language"],)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        """Yields mono s16le at `rate`, in chunks. There is one voice, so `voice` is ignored.

        An empty chunk says only that a piece of work is done.
        """
        for sound in self._sound(text):
            yield b"" if sound is None else pcm(sound)

    def _sound(self, text: str) -> Iterator[Floats | None]:
        """Yields None when only a piece of work is done."""
        for sentence in Hibari.split_sentences(_readable(text)):
            for phonemes in parts(self._phonemes(sentence), MAX_PHONEMES):
                ids = [self._numbers[each] for each in phonemes if each in self._numbers]
                if ids:
                    yield from self._sentence([0, *ids, 0])

    def _phonemes(self, sentence: str) -> str:
        """How the sentence is read. What the package fails to read, such as a number of 80 digits, is left out."""
        try:
            return str(self._g2p(sentence))
        except Exception:  # its rules meet texts that nobody tried
            words = sentence.split()
            return " ".join(self._phonemes(word) for word in words) if len(words) > 1 else ""

    def _sentence(self, ids: list[int]) -> Iterator[Floats | None]:
        edges, renderer = Edges(RATE, PAUSE_S), Renderer()
        spoken = 0
        if len(ids) > LEAD_IDS + LEAD_MARGIN:
            spoken = LEAD_IDS - LEAD_MARGIN
            lead, ends = yield from self._read(ids[:LEAD_IDS])
            renderer.extend(lead.part(_start(ends), int(ends[spoken - 1])))
            while renderer.waiting > CHUNK_FRAMES:
                yield edges.receive(self._gain * renderer.make(CHUNK_FRAMES if renderer.made else FIRST_FRAMES))
        frames, ends = yield from self._read(ids)
        renderer.extend(frames.part(int(ends[spoken - 1]) if spoken else _start(ends), int(ends[-1])))
        while renderer.waiting:
            yield edges.receive(self._gain * renderer.make(CHUNK_FRAMES if renderer.made else FIRST_FRAMES))

    def _read(self, ids: list[int]) -> Generator[None, None, tuple[Frames, NDArray[np.int64]]]:
        """The frames of a sentence, and for each phoneme how many frames there are until its end.

        Yields after each piece of work.
        """
        values = yield from self._model.run({"ids": np.array([ids], np.int64), "speed": self._speed})
        frames = Frames.of([values[name][0] for name in _OUTPUTS])
        ends = values[self._ends].ravel()
        return frames, ends * (len(frames.pitch) // int(ends.max()))


def _start(ends: NDArray[np.int64]) -> int:
    """The frame where the voice begins: shortly before the end of the silence that is the first phoneme."""
    return max(int(ends[0]) - SILENT_FRAMES, 0)


def _readable(text: str) -> str:
    """`text` without the brackets that hibari takes for phonemes, as in "[word](/phonemes/)", and without controls."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\[\]]", " ", text)
