"""Runs a VITS voice so that its sound comes in chunks. The first chunk of a long text takes no more work than that of a
short one.

`vits_graph.py` says what the pieces of a voice are. Here each piece is run on one window of its input after another,
and only as far as the next chunk of sound needs it. A window is read with the margin on both sides, and what comes from
the margin is cut off, so the chunks join without a seam.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from server.speech.engines.stepwise import Stepwise, session
from server.speech.engines.vits_graph import Piece, split

Floats = NDArray[np.float32]
_NOTHING: Floats = np.empty(0, np.float32)

FIRST_WINDOWS, WINDOWS = (40, 28, 24), (96, 64, 32)
"""How many steps of the latent (11.6 ms of sound each) the three pieces make at once: at first, and at most. The first
windows are the smallest that together give one chunk, of 279 ms: time enough to make the next one, which takes 30 ms of
a core. Each next window is a quarter longer, so that the lead (below) is enough for two chunks. Longer windows cost
less, because each one is read with its margins, but even the longest takes only about 20 ms, so that other texts get
their turn."""

LEAD_IDS, LEAD_MARGIN = 96, 32
"""The front reads the whole sentence, and takes 150 ms for 40 words. To begin earlier, it reads only the first LEAD_IDS
phoneme ids of a long sentence. The last LEAD_MARGIN of these are not spoken, because they were read without the words
that follow. While the others are played, the front reads the whole sentence for the rest."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is read."""

    noise: float
    """How much the sound varies."""
    length: float
    """How long phonemes last: 2.0 is twice as long."""
    duration_noise: float
    """How much the length of phonemes varies."""
    speaker: int | None = None


class Vits:
    """A voice, split. Raises LookupError, or an exception of onnx or onnxruntime, when that is not possible."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        parts = split(path)
        self._front = Stepwise(parts.front, threads)
        self._lengths = parts.lengths
        self._pieces = [(piece, session(piece.model, threads)) for piece in parts.pieces]
        self.hop = parts.hop

    def speak(self, ids: Sequence[int], manner: Manner) -> Iterator[Floats]:
        """Yield the sound of phoneme ids in chunks of one dimension.

        An empty chunk only says that a piece of work is done, so that other texts can have a turn.
        """
        source: _Source = _Prior(self, ids, manner)
        rate = 1
        for (piece, run), first, longest in zip(self._pieces, FIRST_WINDOWS, WINDOWS, strict=True):
            source = _Windows(source, piece, run, first * rate, longest * rate)
            rate *= piece.scale
        while not source.complete:
            start = source.tape.end
            for _ in source.until(start + 1, start + 1):
                yield _NOTHING
            yield source.tape.window(start, source.tape.end).ravel()

    def read(self, ids: Sequence[int], manner: Manner) -> Generator[None, None, "Reading"]:
        """Read phoneme ids; yields after each piece of work."""
        inputs = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([manner.noise, manner.length, manner.duration_noise], np.float32),
            "sid": np.array([manner.speaker or 0], np.int64),
        }
        values = yield from self._front.run(inputs)
        # a mask is 1 at every step, because there is only one text: its first step stands for all
        shared = {name: values[name][..., :1] for piece, _ in self._pieces for name in piece.shared}
        prior = values[self._pieces[0][0].input]
        return Reading(prior, values[self._lengths].ravel().astype(np.int64), shared)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the front makes of a text."""

    prior: Floats
    """[1, channels, steps]"""
    lengths: NDArray[np.int64]
    """How many steps each phoneme id lasts."""
    shared: Mapping[str, Floats]
    """What the pieces share."""


class _Tape:
    """A sequence [1, channels, steps] that grows at its end and is forgotten at its start."""

    def __init__(self) -> None:
        self._data: Floats | None = None
        self._start = self.end = 0

    def append(self, data: Floats) -> None:
        self._data = data if self._data is None else np.concatenate((self._data, data), axis=2)
        self.end += data.shape[2]

    def window(self, start: int, end: int) -> Floats:
        """The steps from `start` to `end`. What is before `start` is forgotten."""
        assert self._data is not None, "because something was appended"
        self._data = self._data[:, :, start - self._start :]
        self._start = start
        return self._data[:, :, : end - start]


class _Source(Protocol):
    """A sequence that is made as far as somebody needs it."""

    tape: _Tape
    """What is made."""
    complete: bool
    """Whether all of it is made."""

    @property
    def shared(self) -> Mapping[str, Floats]:
        """The results of the front that are the same at every step."""

    def until(self, end: int, least: int) -> Generator[None, None, int]:
        """Make the steps before `end`, if there are so many; yields after each piece of work.

        Returns how many of them there are. A source that would work long for the rest may stop at `least` or later.
        """


class _Prior:
    """The front's result for one sentence, the lead first."""

    def __init__(self, vits: Vits, ids: Sequence[int], manner: Manner) -> None:
        self._vits, self._ids, self._manner = vits, ids, manner
        self.complete = False
        self.tape = _Tape()
        self.shared: Mapping[str, Floats] = {}

    def until(self, end: int, least: int) -> Generator[None, None, int]:
        if not self.tape.end and len(self._ids) > LEAD_IDS + LEAD_MARGIN:
            lead = yield from self._vits.read(self._ids[:LEAD_IDS], self._manner)
            self.tape.append(lead.prior[:, :, : lead.lengths[:-LEAD_MARGIN].sum()])
            self.shared = lead.shared
        if not self.complete and self.tape.end < least:
            whole = yield from self._vits.read(self._ids, self._manner)
            spoken = LEAD_IDS - LEAD_MARGIN if self.tape.end else 0
            self.tape.append(whole.prior[:, :, whole.lengths[:spoken].sum() :])
            self.shared = whole.shared
            self.complete = True
        return min(end, self.tape.end)


class _Windows:
    """The output of one piece for one sentence."""

    def __init__(self, source: _Source, piece: Piece, run: InferenceSession, first: int, longest: int) -> None:
        self._source, self._piece, self._run = source, piece, run
        self._next, self._longest = first, longest
        self._least = first // 2
        self.complete = False
        self.tape = _Tape()

    @property
    def shared(self) -> Mapping[str, Floats]:
        return self._source.shared

    def until(self, end: int, least: int) -> Generator[None, None, int]:
        while not self.complete and self.tape.end < end:
            made = yield from self._window_made()
            self.tape.append(made)
            yield
        return min(end, self.tape.end)

    def _window_made(self) -> Generator[None, None, Floats]:
        """Make the next window of output."""
        scale, margin = self._piece.scale, self._piece.margin
        start = self.tape.end // scale
        end = start + self._next
        there = yield from self._source.until(end + margin, start + self._least + margin)
        first, end = max(start - margin, 0), min(end, there if self._source.complete else there - margin)
        self.complete = self._source.complete and end == self._source.tape.end
        inputs = {name: self.shared[name] for name in self._piece.shared}
        inputs[self._piece.input] = self._source.tape.window(first, there)
        output: Floats = self._run.run(None, inputs)[0]
        output = output.reshape(1, -1, output.shape[-1])  # sound comes as [1, 1, 1, samples]
        self._next = min(self._next * 5 // 4, self._longest)
        return output[:, :, (start - first) * scale : (end - first) * scale]
