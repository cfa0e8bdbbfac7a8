"""Feed: takes sound that comes in bursts, and gives it out at the pace of a conversation.

A client on a WebSocket may send its sound in bursts, late, or faster than real time. The feed keeps up to a limit of
it, and gives it out faster than real time until there is no backlog. It also tells when a client floods it: when it
goes on sending too fast.
"""

from collections import deque

from server.media.frame import FRAME_MS, Frame

MAX_FRAMES = 2_000 // FRAME_MS
"""How much sound the feed holds: 2 s. When it is full, the reader of the socket waits until there is room."""
FRAMES_A_TICK = 3
"""How many frames leave at most in one tick of 20 ms. A backlog of a second is worked off in a third of a second."""
MAX_EARLY_FRAMES = 10_000 // FRAME_MS
"""How far a client may get ahead of real time in total: 10 s. Beyond it, one frame leaves per tick. This limits what
one client can cost."""
MAX_FLOOD_TICKS = 10_000 // FRAME_MS
"""How long a client may keep the feed more than half full until it counts as flooding: 10 s. Such a client sends
faster than real time."""


class Feed:
    """A queue of frames: they come in bursts, and a few leave at each tick."""

    def __init__(self, patient: bool = False) -> None:
        """A `patient` feed lets a client send whole files: it keeps the client waiting, and never counts as flooded."""
        self._patient = patient
        self._frames: deque[Frame] = deque()
        self._full_ticks = 0
        self._early = 0
        """How many frames the client is ahead of real time: those that left in addition to one per tick."""

    @property
    def room(self) -> bool:
        """Whether the feed can take more frames."""
        return len(self._frames) < MAX_FRAMES

    @property
    def empty(self) -> bool:
        return not self._frames

    @property
    def flooded(self) -> bool:
        """Whether the client has sent too fast for too long."""
        return self._full_ticks >= MAX_FLOOD_TICKS and not self._patient

    def put(self, frames: list[Frame]) -> None:
        """Add the frames that were decoded from one message."""
        self._frames.extend(frames)

    def take(self) -> list[Frame]:
        """Remove and return the frames that are to be heard in this tick."""
        behind = len(self._frames) > MAX_FRAMES // 2
        self._full_ticks = self._full_ticks + 1 if behind else 0
        most = FRAMES_A_TICK if self._early < MAX_EARLY_FRAMES else 1
        frames = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
        self._early = max(0, self._early + len(frames) - 1)
        return frames
