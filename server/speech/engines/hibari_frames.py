"""From hibari's frames to sound, some frames at a time.

The model describes the sound in frames of 12.5 ms, each with a spectrum in three parts, and a pitch. A pulse for each
period of the pitch is filtered by the first part, noise by the second, and the third is added with a phase of its own.
Source: hibari's README, "ONNX interface". Here its functions are used on a few frames at once, and the frames overlap
as in its own synthesis, so the chunks join without a seam.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from hibari import dsp
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE: int = dsp.SR
_HOP: int = dsp.HOP
_REACH = 2
"""A frame's window, 50 ms, reaches over this many frames on each side."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The logarithms of three spectra [601, frames], the phases of the first and the last, and the pitch in Hz."""

    pulse: Floats
    pulse_phase: Floats
    noise: Floats
    rest: Floats
    rest_phase: Floats
    pitch: Floats

    @classmethod
    def of(cls, parts: Sequence[Floats]) -> "Frames":
        """The parts in the order of the fields, as the model gives them."""
        return cls(**{each.name: part for each, part in zip(fields(cls), parts, strict=True)})

    def part(self, start: int, end: int) -> "Frames":
        return Frames.of([getattr(self, each.name)[..., start:end] for each in fields(self)])

    def followed_by(self, other: "Frames") -> "Frames":
        both = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return Frames.of([np.concatenate(pair, axis=-1) for pair in both])


class Renderer:
    """Makes the sound of one sentence, whose frames may come in parts."""

    def __init__(self) -> None:
        self._frames: Frames | None = None
        self._pulses: Floats = np.empty(0, np.float32)
        self._spectrum: NDArray[np.complex64] = np.empty((dsp.N_FFT // 2 + 1, 0), np.complex64)
        self._first = 0  # the frame where the spectrum begins
        self._chance = np.random.default_rng()
        self.made = 0
        """How many frames have become sound."""

    @property
    def waiting(self) -> int:
        """How many frames have not become sound."""
        return 0 if self._frames is None else len(self._frames.pitch) - self.made

    def extend(self, frames: Frames) -> None:
        """These frames follow."""
        self._frames = frames if self._frames is None else self._frames.followed_by(frames)
        self._pulses = dsp.pulses(self._frames.pitch)  # from the start, so that the pulses go on in step

    def make(self, frames: int) -> Floats:
        """The sound of the next frames, at most so many."""
        assert self._frames is not None, "because some are waiting"
        end = min(self.made + frames, len(self._frames.pitch))
        there = self._first + self._spectrum.shape[1]
        needed = min(end + _REACH, len(self._frames.pitch))
        self._spectrum = np.concatenate((self._spectrum, self._spectra(there, needed)), axis=1)
        sound: Floats = dsp.ola(self._spectrum)[(self.made - self._first) * _HOP : (end - self._first) * _HOP]
        kept = max(end - _REACH, 0)
        self._spectrum = self._spectrum[:, kept - self._first :]
        self._first, self.made = kept, end
        return sound

    def _spectra(self, start: int, end: int) -> NDArray[np.complex64]:
        """The spectra [601, frames] of the frames from `start` to `end`."""
        assert self._frames is not None, "because some are waiting"
        part = self._frames.part(start, end)
        before = max(start - _REACH, 0)
        pulses = self._pulses[before * _HOP : (end + _REACH) * _HOP]
        source = dsp.stft(pulses, len(pulses) // _HOP)[:, start - before : end - before]
        noise = self._chance.standard_normal((len(source), 2 * (end - start)), dtype=np.float32).view(np.complex64)
        spectrum: NDArray[np.complex64] = source * _turned(part.pulse, np.float32(np.pi) * np.tanh(part.pulse_phase))
        spectrum += dsp.ex(part.noise) * noise
        spectrum += _turned(part.rest, part.rest_phase)
        return spectrum


def _turned(logarithm: Floats, phase: Floats) -> NDArray[np.complex64]:
    """exp(logarithm + i phase)."""
    turned = np.empty(phase.shape, np.complex64)
    np.cos(phase, out=turned.real)
    np.sin(phase, out=turned.imag)
    turned *= dsp.ex(logarithm)
    return turned
