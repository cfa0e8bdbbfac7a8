"""Tape: puts both sides of a call side by side, 20 ms by 20 ms, for a recording.

Its clock is the tick at which the agent's next 20 ms leave. The caller's frames come when the network brings them. The
tape waits a little before it hands sound on, so that a frame that comes late still gets its place.
"""

from dataclasses import dataclass, field

from server.media.frame import HEARD_SAMPLES, SILENCE, SPOKEN_BYTES, Frame

LATE_TICKS = 10
"""How late a frame of the caller may come: 200 ms. The jitter of a network is mostly less."""
LOST_TICKS = 25
"""How long frames may come too late until the caller's clock is set anew: half a second. A network is
not late for that long: the caller's clock does not match ours any more."""
PIECE_TICKS = 25
"""How long one piece of sound is: half a second. If the process dies, about one piece is lost. The thread that writes
wakes up once per piece."""

_SPOKEN_SILENCE = bytes(SPOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Piece:
    """What caller and agent said, from tick number `tick` on: mono 16-bit PCM, equally long.

    `heard` is the caller at 16 kHz, `spoken` is the agent at 24 kHz.
    """

    tick: int
    heard: bytes
    spoken: bytes


@dataclass(slots=True)
class Tape:
    """Collects the frames of both sides, and gives them out in pieces."""

    _heard: dict[int, bytes] = field(default_factory=dict)
    """The caller's frames by tick: at most `LATE_TICKS` of them and those of one piece."""
    _spoken: list[bytes] = field(default_factory=list)
    """The agent's frames that are not handed on yet."""
    _handed_on: int = 0
    """How many ticks have left in pieces."""
    _offset: int = 0
    """The tick of a frame of the caller, minus the number that the frame itself has."""
    _last: int | None = None
    """The number of the caller's last frame."""
    _late_since: int | None = None
    """The tick at which the caller's frames began to come too late. None if they come in time."""

    @property
    def ticks(self) -> int:
        """How many ticks there were so far."""
        return self._handed_on + len(self._spoken)

    def hear(self, frame: Frame) -> None:
        """Take a frame of the caller. If the frames start counting anew, they are those of a new connection."""
        number = frame.start_samples // HEARD_SAMPLES
        if self._last is None or number <= self._last or self._lost:
            self._offset = self.ticks - number
        self._last = number
        self._offset = min(self._offset, self.ticks - number)  # a frame cannot be heard before it was said
        tick = number + self._offset
        if tick >= self._handed_on:
            self._heard[tick] = frame.pcm
        if self.ticks - tick <= LATE_TICKS:  # the frame got its place before its piece was handed on
            self._late_since = None
        elif self._late_since is None:
            self._late_since = self.ticks

    def speak(self, pcm: bytes | None) -> Piece | None:
        """Take the agent's next 20 ms: 24 kHz PCM, or None for silence. One call is one tick.

        Returns the next piece if it is complete.
        """
        self._spoken.append(_SPOKEN_SILENCE if pcm is None else pcm)
        return self._piece(PIECE_TICKS) if len(self._spoken) >= PIECE_TICKS + LATE_TICKS else None

    def finish(self) -> Piece | None:
        """Return the rest as a last piece. None if there is no rest."""
        return self._piece(len(self._spoken)) if self._spoken else None

    def skip(self, ticks: int) -> Piece | None:
        """Leave out `ticks` ticks of silence. Returns the sound before them as a piece; None if there is none.

        The next piece tells by its `tick` how long the silence was.
        """
        rest = self.finish()
        self._heard.clear()
        self._handed_on += ticks
        return rest

    @property
    def _lost(self) -> bool:
        """Whether the caller's clock must be set anew."""
        return self._late_since is not None and self.ticks - self._late_since >= LOST_TICKS

    def _piece(self, ticks: int) -> Piece:
        first, spoken = self._handed_on, b"".join(self._spoken[:ticks])
        heard = b"".join(self._heard.pop(first + i, SILENCE) for i in range(ticks))
        del self._spoken[:ticks]
        self._handed_on += ticks
        return Piece(first, heard, spoken)
