"""Tape: both sides of a call side by side, 20 ms by 20 ms.

The tick at which the agent's next 20 ms leave is the clock. The caller's frames come when the network brings them, so
the tape runs a little behind, and a frame that comes late still finds its place.
"""

from dataclasses import dataclass, field

from server.media.frame import HEARD_SAMPLES, SILENCE, SPOKEN_BYTES, Frame

LATE_TICKS = 10
"""How much later than others a frame may come: 200 ms, more than a network's jitter mostly is."""
LOST_TICKS = 25
"""When frames have come too late for so long, it is the caller's clock that is off, and it is set anew."""
PIECE_TICKS = 25
"""Sound is handed on in pieces of half a second: so much is lost when the process dies, and a thread wakes so often."""

_SPOKEN_SILENCE = bytes(SPOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Piece:
    """What both said from tick number `tick` on: mono 16-bit PCM at 16 and at 24 kHz, equally long."""

    tick: int
    heard: bytes
    spoken: bytes


@dataclass(slots=True)
class Tape:
    _heard: dict[int, bytes] = field(default_factory=dict)
    """By tick: at most `LATE_TICKS` and one piece of them."""
    _spoken: list[bytes] = field(default_factory=list)
    _handed_on: int = 0
    """Ticks that have left in pieces."""
    _offset: int = 0
    """A frame's own number plus this is its tick."""
    _last: int | None = None
    _late_since: int | None = None
    """The tick at which frames began to come too late."""

    @property
    def ticks(self) -> int:
        """How many have been spoken."""
        return self._handed_on + len(self._spoken)

    def hear(self, frame: Frame) -> None:
        """What the caller said. Frames that begin to count again are those of a new connection."""
        number = frame.start_samples // HEARD_SAMPLES
        if self._last is None or number <= self._last or self._lost:
            self._offset = self.ticks - number
        self._last = number
        self._offset = min(self._offset, self.ticks - number)  # nothing is heard before it was said
        tick = number + self._offset
        if tick >= self._handed_on:
            self._heard[tick] = frame.pcm
        if self.ticks - tick <= LATE_TICKS:  # whatever still finds its place before the next piece is handed on
            self._late_since = None
        elif self._late_since is None:
            self._late_since = self.ticks

    def speak(self, pcm: bytes | None) -> Piece | None:
        """The agent's next 20 ms of 24 kHz PCM, None for silence: one tick. Gives a piece when there is one."""
        self._spoken.append(_SPOKEN_SILENCE if pcm is None else pcm)
        return self._piece(PIECE_TICKS) if len(self._spoken) >= PIECE_TICKS + LATE_TICKS else None

    def finish(self) -> Piece | None:
        """The rest."""
        return self._piece(len(self._spoken)) if self._spoken else None

    def skip(self, ticks: int) -> Piece | None:
        """Nothing is said for so long: what was said before, if anything; the next piece says where it stands."""
        rest = self.finish()
        self._heard.clear()
        self._handed_on += ticks
        return rest

    @property
    def _lost(self) -> bool:
        return self._late_since is not None and self.ticks - self._late_since >= LOST_TICKS

    def _piece(self, ticks: int) -> Piece:
        first, spoken = self._handed_on, b"".join(self._spoken[:ticks])
        heard = b"".join(self._heard.pop(first + i, SILENCE) for i in range(ticks))
        del self._spoken[:ticks]
        self._handed_on += ticks
        return Piece(first, heard, spoken)
