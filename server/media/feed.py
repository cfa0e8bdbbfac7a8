"""Feed: sound that comes in bursts → sound at the pace of a conversation.

A client on a WebSocket sends in bursts, late, or faster than real time. What comes is taken up to a bound and heard a
little faster than real time, until there is no backlog; who does not stop to flood is known by it.
"""

from collections import deque

from server.media.frame import FRAME_MS, Frame

MAX_FRAMES = 2_000 // FRAME_MS
"""So much is taken at once; whoever reads the socket waits for room beyond it."""
FRAMES_A_TICK = 3
"""A backlog of a second is made good in a third of one."""
MAX_EARLY_FRAMES = 10_000 // FRAME_MS
"""So far may a client get ahead of real time, all in all; then it is heard at the real pace, which bounds the cost."""
MAX_FLOOD_TICKS = 10_000 // FRAME_MS
"""Who keeps the feed full for so long sends faster than real time."""


class Feed:
    """Frames in, in bursts; frames out, a few at each tick."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._full_ticks = 0
        self._early = 0
        """Frames that were taken beyond one a tick."""

    @property
    def room(self) -> bool:
        """Whether more may come."""
        return len(self._frames) < MAX_FRAMES

    @property
    def flooded(self) -> bool:
        """Whether the client has been too fast for too long."""
        return self._full_ticks >= MAX_FLOOD_TICKS

    def put(self, frames: list[Frame]) -> None:
        """Take what was decoded from one message."""
        self._frames.extend(frames)

    def take(self) -> list[Frame]:
        """What is to be heard in this tick."""
        behind = len(self._frames) > MAX_FRAMES // 2
        self._full_ticks = self._full_ticks + 1 if behind else 0
        most = FRAMES_A_TICK if self._early < MAX_EARLY_FRAMES else 1
        frames = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
        self._early = max(0, self._early + len(frames) - 1)
        return frames
