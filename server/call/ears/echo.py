"""Echo: is what is heard the agent's own voice, coming back from the caller's loudspeaker?

Compares levels in 16 bands, 20 ms at a step, of what was said with what is heard: not samples, so that a codec, a small
loudspeaker, a room and a delay that wanders change little. Half a second that rises and falls as the agent's voice did
some time before tells the echo's path: its delay, and its gain in each band. From then on a frame is the agent's own
when it is no louder than the path lets expect. Who speaks over the agent is louder, or sounds in other bands, or in its
pauses. No echo is removed here: a browser does that, and this is for clients that do not.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from server.media.frame import FRAME_MS, SPOKEN_BYTES

Levels = NDArray[np.float32]
"""One for each band: the fourth root of the power, which weighs loud and soft about as an ear does."""

DELAYS = 500 // FRAME_MS + 1
"""Frames of delay: network, jitter buffer, a wireless headset and the way back stay below half a second."""
WINDOW = 500 // FRAME_MS
"""Frames that are compared. Of echo in a room, 95 % of windows agree to 0.79 or more, another voice to 0.77 at most
(five delays, four levels, three voices of 27 sentences); with 300 ms they overlap."""
ALIKE = 0.75
"""Correlation from which on it is the same sound."""
UNLIKE = 0.4
"""Frames that a path explains and that agree less are somebody else's: the path is not there any more."""
DOUBTS = 5
"""Searches in a row that find the path wrong, until it is given up: a delay that jumps is one or two."""
SEARCH_FRAMES = 4
"""A search costs more than all the rest, and says little new after 20 ms."""
LOUDEST = 10 ** (-6 / 40)
"""A louder echo than -6 dB is not believed: it would hide a person who is as loud as the agent."""
CLOSER = 0.5
"""So far a known path moves to what is measured now."""
CLOSER_FOREIGN = 0.1
"""The same while somebody else seems to be heard: they may be the reason, or it has only become louder."""
MARGIN = 10 ** (8 / 40)
"""So much louder than expected may echo be in a band, before it is somebody else."""
FOREIGN = 0.2
"""So much of a frame's levels is beyond that when somebody else is in it."""
AHEAD = 2
"""Frames that the delay may be off by at one moment: packets come in bunches."""
LINGERING = np.array([[1.0] * (AHEAD + 2) + [0.85**frames for frames in range(1, 8)]], np.float32).T[::-1]
"""What is left of a frame in a room, the newest last: 60 dB less after 400 ms."""

_EDGES = np.array([*range(4, 24, 2), 24, 28, 32, 38, 46, 56, 80])
"""Of the bands, in steps of 50 Hz, which is what 20 ms can tell apart: harmonics to 1.2 kHz, then wider, to 4 kHz."""
_BANDS = len(_EDGES) - 1
_NOISE = np.float32(1.0)
"""The level of a quiet room, in a band; below it there is nothing."""
_KEPT = DELAYS + WINDOW
_SILENCE = bytes(SPOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Path:
    """The way of the agent's voice back to it."""

    delay: int
    """In frames."""
    gains: Levels


class Echo:
    """Follows one call. Sound is only kept until a voice is heard into it, and looked at then."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._said = np.zeros((_KEPT, _BANDS), np.float32)  # the newest is last, here and below
        self._heard = np.zeros((WINDOW, _BANDS), np.float32)
        self._own = deque([False] * WINDOW, WINDOW)
        self._said_pcm: deque[bytes] = deque(maxlen=_KEPT)
        self._heard_pcm: deque[bytes] = deque(maxlen=WINDOW)
        rows, columns = self._said.strides
        self._windows = as_strided(self._said, (_KEPT - WINDOW + 1, WINDOW * _BANDS), (rows, columns), writeable=False)
        self._silent_frames = _KEPT
        self._voiced_frames = 0
        self._doubts = 0

    def say(self, pcm: bytes | None) -> None:
        """The next 20 ms that the caller will hear, at 24 kHz; None is silence."""
        if pcm is not None:
            if self._silent_frames >= _KEPT:
                self._forget()
            self._silent_frames = 0
            self._said_pcm.append(pcm)
        elif self._silent_frames < _KEPT:
            self._silent_frames += 1
            self._said_pcm.append(_SILENCE)

    def hear(self, pcm: bytes, voiced: bool) -> bool:
        """The next 20 ms that are heard, at 16 kHz: whether they are `voiced` by the agent alone."""
        if self._silent_frames >= _KEPT:
            return False
        self._heard_pcm.append(pcm)
        own = voiced and self._listen()
        self._own.append(own)
        return own

    def _forget(self) -> None:
        """What was said is too long ago to be heard, and what was heard is not of it."""
        self._said[:] = self._heard[:] = 0
        self._said_pcm.clear()
        self._heard_pcm.clear()
        self._own.extend([False] * WINDOW)

    def _listen(self) -> bool:
        """Whether the newest frame is the agent's alone."""
        self._voiced_frames += 1
        searches = self._voiced_frames % SEARCH_FRAMES == 0
        if self.path is None and not searches:
            return False
        _push(self._said, self._said_pcm)
        _push(self._heard, self._heard_pcm)
        own = self._explained()
        if searches:
            self._search(own)
            own = self._explained()
        return own

    def _explained(self) -> bool:
        """Whether the newest frame is no louder than the path lets expect."""
        if (path := self.path) is None:
            return False
        heard = self._heard[-1]
        expected = path.gains * self._lingering(path.delay)
        foreign = np.maximum(heard - MARGIN * expected - _NOISE, 0)
        return bool(foreign.sum() <= FOREIGN * heard.sum())

    def _lingering(self, delay: int) -> Levels:
        """The levels of `delay` frames ago, or of a little later, or of before and still in the room."""
        end = min(_KEPT, _KEPT - delay + AHEAD)
        said = self._said[end - len(LINGERING) : end]
        levels: Levels = (said * LINGERING).max(axis=0)
        return levels

    def _search(self, own: bool) -> None:
        """Look for the last half second in what was said."""
        alike, path = self._alike(), self.path
        delay = int(alike.argmax())
        doubtful = path is None or alike[path.delay] < UNLIKE
        if alike[delay] >= ALIKE:
            gains = self._gains(delay)
            if path is not None and not doubtful:
                gains = path.gains + (CLOSER if own else CLOSER_FOREIGN) * (gains - path.gains)
            if np.median(gains) <= LOUDEST:
                self.path = Path(delay, gains)
        self._doubts = self._doubts + 1 if doubtful and sum(self._own) > WINDOW // 2 else 0
        if self._doubts == DOUBTS:
            self.path = None

    def _alike(self) -> Levels:
        """How what was heard and what was said correlate, for each delay."""
        heard = (self._heard - self._heard.sum(axis=0) / WINDOW).reshape(-1)
        sums = _moving_sums(self._said)
        power = _moving_sums(_powers(self._said)) - _powers(sums) / WINDOW
        scale = np.maximum(power, 1) * max(float(heard @ heard), 1)
        common = np.einsum("ij,j->i", self._windows, heard)  # not @, for which BLAS wakes threads of its own
        found: Levels = (common / np.sqrt(scale))[::-1]
        return found

    def _gains(self, delay: int) -> Levels:
        """By least squares; a band in which little was said takes after the others."""
        said = self._said[_KEPT - WINDOW - delay : _KEPT - delay]
        common = (said * self._heard).sum(axis=0)
        power = (said**2).sum(axis=0)
        share = power.mean() / 10
        gains: Levels = (common + share * common.sum() / power.sum()) / (power + share)
        return gains


def _powers(rows: Levels) -> Levels:
    powers: Levels = np.einsum("ij,ij->i", rows, rows)
    return powers


def _moving_sums(rows: Levels) -> Levels:
    """Of each WINDOW rows that follow each other."""
    sums = np.zeros((len(rows) + 1, *rows.shape[1:]), np.float32)
    np.cumsum(rows, axis=0, out=sums[1:])
    return sums[WINDOW:] - sums[:-WINDOW]


def _push(rows: Levels, frames: deque[bytes]) -> None:
    """The levels of the frames, which are then looked at, are the newest."""
    count = len(frames)
    if not count:
        return
    samples = np.frombuffer(b"".join(frames), "<i2").reshape(count, -1)
    frames.clear()
    spectra = np.fft.rfft(samples)[:, : _EDGES[-1]]
    power = np.add.reduceat(spectra.real**2 + spectra.imag**2, _EDGES[:-1], axis=1) / samples.shape[1] ** 2
    rows[:-count] = rows[count:]
    rows[-count:] = np.maximum(np.sqrt(np.sqrt(power)) - _NOISE, 0)
