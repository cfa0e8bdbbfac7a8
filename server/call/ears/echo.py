"""Echo: is the sound that is heard the agent's own voice, coming back from the caller's loudspeaker?

What the agent said is compared with what is heard: not sample by sample, but by the levels in 16 frequency bands, 20 ms
at a time. So a codec, a small loudspeaker, a room and a delay that wanders change little.

When half a second of sound rises and falls as the agent's voice did some time before, the path of the echo is known:
its delay, and its gain in each band. From then on a frame is the agent's own if it is no louder than the path predicts.
A caller who speaks over the agent is louder, or sounds in other bands, or in the agent's pauses.

No echo is removed from the sound. Browsers remove it themselves; this is for clients that do not.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from server.media.frame import FRAME_MS, SPOKEN_BYTES

Levels = NDArray[np.float32]
"""One level for each band: the fourth root of the power, which weighs loud and soft about as an ear does."""

DELAYS = 500 // FRAME_MS + 1
"""How many delays are tried: 0, 1, … frames, up to half a second. The network, the jitter buffer, a wireless headset
and the way back take less time together."""
WINDOW_FRAMES = 500 // FRAME_MS
"""How much sound is compared. In half a second, 95 % of the windows with echo from a room correlate with the agent's
voice by 0.79 or more, and windows with another voice by 0.77 at most (five delays, four levels, three voices of 27
sentences). In 300 ms the two overlap."""
ECHO_CORRELATION = 0.75
"""Sound that correlates with the agent's voice by at least this is an echo of it."""
LOST_CORRELATION = 0.4
"""The known path is in doubt while the sound correlates with the agent's voice, at its delay, by less than this."""
MAX_DOUBTS = 5
"""After this many searches in a row that doubt the path, the path is forgotten. A delay that jumps causes only one or
two. Doubts count only while most frames pass as the agent's own, and so may hide a caller."""
SEARCH_FRAMES = 4
"""How many voiced frames lie between two searches. A search costs more than all the rest, and one frame later it finds
little new."""
UNKNOWN_FRAMES = 2_000 // FRAME_MS
"""For how much of the agent's speech on a connection it is unknown whether there is a path. An echo comes at most half
a second late, and is found within a second of sound."""
QUIET_FRAMES = 1_000 // FRAME_MS
"""If no voice is heard during so much of it, there is none. By then an echo would have been heard, even of a soft first
syllable."""
MAX_GAIN = 10 ** (-6 / 40)
"""A path with more gain than -6 dB is not believed. It would hide a caller who is as loud as the agent."""
ADAPTATION = 0.5
"""How far the gains of a known path move to the newly measured ones at each search."""
CAUTIOUS_ADAPTATION = 0.1
"""How far they move while the newest frame is not the agent's own. Either the caller speaks, and the gains must not
follow, or the echo has become louder, and the gains must follow."""
MARGIN = 10 ** (8 / 40)
"""How much louder than predicted (8 dB) a band may be and still be echo."""
FOREIGN_SHARE = 0.2
"""A frame is not the agent's alone if more than this share of its levels is above the margin."""
EARLY_FRAMES = 2
"""How much earlier than the known delay the echo may come for a moment, because packets arrive in bunches."""
ROOM_DECAY = np.array([[1.0] * (EARLY_FRAMES + 2) + [0.85**frames for frames in range(1, 8)]], np.float32).T[::-1]
"""What is left of each frame in a room, the newest frame last: 60 dB less after 400 ms."""

_BAND_EDGES = np.array([*range(4, 24, 2), 24, 28, 32, 38, 46, 56, 80])
"""In steps of 50 Hz, which is the resolution of 20 ms: single harmonics to 1.2 kHz, then wider bands, to 4 kHz."""
_BANDS = len(_BAND_EDGES) - 1
_NOISE = np.float32(1.0)
"""The level of a quiet room in one band. What is below it counts as nothing."""
_KEPT_FRAMES = DELAYS + WINDOW_FRAMES
"""How much of what the agent said can still come back, or be compared."""
_SILENCE = bytes(SPOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Path:
    """The way of the agent's voice back to the server."""

    delay: int
    """In frames."""
    gains: Levels


class Echo:
    """The echo in one call. Sound is only stored, until there is a voice in what is heard; then it is analysed."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._said = np.zeros((_KEPT_FRAMES, _BANDS), np.float32)
        """The levels of what the agent said; the newest frame is last, here and below."""
        self._heard = np.zeros((WINDOW_FRAMES, _BANDS), np.float32)
        self._own = deque([False] * WINDOW_FRAMES, WINDOW_FRAMES)
        """Whether each of the last frames was the agent's alone."""
        self._said_pcm: deque[bytes] = deque(maxlen=_KEPT_FRAMES)
        """Sound whose levels are not in `_said` yet."""
        self._heard_pcm: deque[bytes] = deque(maxlen=WINDOW_FRAMES)
        row, column = self._said.strides
        self._said_windows = as_strided(
            self._said, (_KEPT_FRAMES - WINDOW_FRAMES + 1, WINDOW_FRAMES * _BANDS), (row, column), writeable=False
        )
        """Every window of `_said`, each in one row."""
        self._silent_frames = _KEPT_FRAMES
        """For how long the agent has been silent; _KEPT_FRAMES also stands for longer."""
        self._said_frames = 0
        """How much the agent has said; UNKNOWN_FRAMES also stands for more."""
        self._voice_came = False
        """A voice was heard soon after the agent's first words on this connection. It may have been the agent's."""
        self._voiced_frames = 0
        self._doubts = 0

    @property
    def possible(self) -> bool:
        """The agent's voice comes back, or the agent has not said enough yet to know that it does not."""
        unknown_frames = UNKNOWN_FRAMES if self._voice_came else QUIET_FRAMES
        return self.path is not None or self._said_frames < unknown_frames

    def say(self, pcm: bytes | None) -> None:
        """The next 20 ms that the caller will hear, at 24 kHz; None is silence."""
        if pcm is not None:
            if self._silent_frames >= _KEPT_FRAMES:
                self._clear_sound()
            self._silent_frames = 0
            self._said_frames = min(self._said_frames + 1, UNKNOWN_FRAMES)
            self._said_pcm.append(pcm)
        elif self._silent_frames < _KEPT_FRAMES:
            self._silent_frames += 1
            self._said_pcm.append(_SILENCE)

    def hear(self, pcm: bytes, voiced: bool) -> bool:
        """Take the next 20 ms that are heard, at 16 kHz. Returns whether they are `voiced` by the agent alone."""
        if self._silent_frames >= _KEPT_FRAMES:
            return False
        self._voice_came |= voiced and self._said_frames < QUIET_FRAMES
        self._heard_pcm.append(pcm)
        own = voiced and self._judge_newest()
        self._own.append(own)
        return own

    def _clear_sound(self) -> None:
        """What the agent said before is too long ago to come back. The path stays known."""
        self._said[:] = self._heard[:] = 0
        self._said_pcm.clear()
        self._heard_pcm.clear()
        self._own.extend([False] * WINDOW_FRAMES)

    def _judge_newest(self) -> bool:
        """Whether the newest frame is the agent's alone. Searches for the path from time to time."""
        self._voiced_frames += 1
        searches = self._voiced_frames % SEARCH_FRAMES == 0
        if self.path is None and not searches:
            return False
        _move_in(self._said, self._said_pcm)
        _move_in(self._heard, self._heard_pcm)
        own = self._is_predicted()
        if searches:
            self._search(own)
            own = self._is_predicted()
        return own

    def _is_predicted(self) -> bool:
        """Whether the newest frame is no louder than the path predicts."""
        if (path := self.path) is None:
            return False
        heard = self._heard[-1]
        expected = path.gains * self._audible_levels(path.delay)
        foreign = np.maximum(heard - MARGIN * expected - _NOISE, 0)
        return bool(foreign.sum() <= FOREIGN_SHARE * heard.sum())

    def _audible_levels(self, delay: int) -> Levels:
        """The most that the agent's voice can have now: of `delay` frames ago, a little later, or still in the room."""
        end = min(_KEPT_FRAMES, _KEPT_FRAMES - delay + EARLY_FRAMES)
        said = self._said[end - len(ROOM_DECAY) : end]
        levels: Levels = (said * ROOM_DECAY).max(axis=0)
        return levels

    def _search(self, own: bool) -> None:
        """Look for the last half second in what the agent said. `own`: the newest frame was as the path predicts."""
        correlations, path = self._correlations(), self.path
        delay = int(correlations.argmax())
        doubtful = path is None or correlations[path.delay] < LOST_CORRELATION
        if correlations[delay] >= ECHO_CORRELATION:
            gains = self._gains(delay)
            if path is not None and not doubtful:
                gains = path.gains + (ADAPTATION if own else CAUTIOUS_ADAPTATION) * (gains - path.gains)
            if np.median(gains) <= MAX_GAIN:
                self.path = Path(delay, gains)
        self._doubts = self._doubts + 1 if doubtful and sum(self._own) > WINDOW_FRAMES // 2 else 0
        if self._doubts == MAX_DOUBTS:
            self.path = None

    def _correlations(self) -> Levels:
        """How what is heard correlates with what was said, for each delay."""
        heard = (self._heard - self._heard.sum(axis=0) / WINDOW_FRAMES).reshape(-1)
        sums = _moving_sums(self._said)
        power = _moving_sums(_powers(self._said)) - _powers(sums) / WINDOW_FRAMES
        scale = np.maximum(power, 1) * max(float(heard @ heard), 1)
        common = np.einsum("ij,j->i", self._said_windows, heard)  # with @, BLAS would wake threads of its own
        found: Levels = (common / np.sqrt(scale))[::-1]
        return found

    def _gains(self, delay: int) -> Levels:
        """The gain in each band, by least squares. A band in which little was said follows the other bands."""
        said = self._said[_KEPT_FRAMES - WINDOW_FRAMES - delay : _KEPT_FRAMES - delay]
        common = (said * self._heard).sum(axis=0)
        power = (said**2).sum(axis=0)
        share = power.mean() / 10
        gains: Levels = (common + share * common.sum() / power.sum()) / (power + share)
        return gains


def _powers(rows: Levels) -> Levels:
    """The sum of the squares in each row."""
    powers: Levels = np.einsum("ij,ij->i", rows, rows)
    return powers


def _moving_sums(rows: Levels) -> Levels:
    """The sum of every WINDOW_FRAMES rows that follow each other."""
    sums = np.zeros((len(rows) + 1, *rows.shape[1:]), np.float32)
    np.cumsum(rows, axis=0, out=sums[1:])
    return sums[WINDOW_FRAMES:] - sums[:-WINDOW_FRAMES]


def _move_in(rows: Levels, frames: deque[bytes]) -> None:
    """Replace the oldest rows by the levels of `frames`, as the newest, and empty `frames`."""
    count = len(frames)
    if not count:
        return
    samples = np.frombuffer(b"".join(frames), "<i2").reshape(count, -1)
    frames.clear()
    spectra = np.fft.rfft(samples)[:, : _BAND_EDGES[-1]]
    power = np.add.reduceat(spectra.real**2 + spectra.imag**2, _BAND_EDGES[:-1], axis=1) / samples.shape[1] ** 2
    rows[:-count] = rows[count:]
    rows[-count:] = np.maximum(np.sqrt(np.sqrt(power)) - _NOISE, 0)
