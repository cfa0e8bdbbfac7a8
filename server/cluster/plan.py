"""How many workers there should be, and what the next step to them is. Pure: the time is handed in.

The number follows the calls and not the CPU, because a call needs a place for as long as it lasts, and how many places
a worker has is known. A worker that runs with other settings than the wanted ones is replaced: a new one first, and
when that is ready, the old one drains, which moves its calls. So a rolling restart is nothing but other settings.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from server.cluster.announcement import Announcement

FULL = 0.7
"""How full the workers may be on average before there is another one. The rest is for the calls that come while it
starts, and for those of a worker that dies."""
SHRINK_AFTER_S = 120.0
"""For how long fewer workers must have been enough before one is drained. Calls come in waves."""
ROOM_S = 30.0
"""How long a new worker waits for a machine with room. After that, an old one leaves its room to it. Ray's autoscaler
may need minutes for another machine, but then the cluster has more than it needs when the rolling restart is over."""

SILENT_S = 30.0
"""After how long without an announcement it is looked whether a worker hangs. Its calls have resumed elsewhere long
before."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many workers there may be."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Member:
    """A worker that the cluster has, whether its process runs or not."""

    key: str
    generation: str
    """With which settings it runs."""
    age_s: float
    """Since when it is known."""
    placed: bool
    """Whether a machine has room for it."""
    worker: Announcement | None
    """What its process announces; None: it does not run, or not yet."""
    silent: Announcement | None = None
    """What it has announced last, if that was more than SILENT_S ago."""

    @property
    def serves(self) -> bool:
        """Whether it has taken up its work. A full worker has, too."""
        return self.worker is not None and self.worker.state in ("ready", "full")

    @property
    def calls(self) -> int:
        return self.worker.calls if self.worker is not None else 0


@dataclass(frozen=True, slots=True)
class Start:
    """Start so many workers."""

    count: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Let this worker drain and end."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Revive:
    """Look whether the process of this worker hangs, and start another one if it does."""

    silent: Announcement
    key: str


class Sizing:
    """The number of workers that the calls need. It grows at once, and shrinks when fewer have been enough for long."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()

    def wanted(self, workers: Sequence[Announcement], bounds: Bounds, now_s: float) -> int:
        """How many workers there should be for the calls of these."""
        enough = self._enough(workers, bounds)
        self._recent.append((now_s, enough))
        while self._recent[0][0] < now_s - SHRINK_AFTER_S:
            self._recent.popleft()
        most_lately = max(count for _, count in self._recent)
        return min(max(most_lately, bounds.least), bounds.most)

    def _enough(self, workers: Sequence[Announcement], bounds: Bounds) -> int:
        with_places = [worker for worker in workers if worker.places]
        if not with_places:
            return bounds.least
        places = sum(worker.places for worker in with_places) / len(with_places)
        calls = sum(worker.calls for worker in workers)
        return math.ceil(calls / (places * FULL))


def next_step(
    members: Sequence[Member], leaving: Sequence[Member], generation: str, wanted: int
) -> Start | Stop | Revive | None:
    """What to do next for `wanted` workers of this generation; None: nothing, or wait.

    `leaving` drain already. They are no members any more.
    """
    for member in members:
        if member.silent is not None:
            return Revive(member.silent, member.key)
    old = [member for member in members if member.generation != generation]
    new = [member for member in members if member.generation == generation]
    if len(members) < wanted:
        return Start(wanted - len(members))
    if len(new) > wanted:
        return Stop(_emptiest(new).key, "fewer are enough")
    if not old or leaving:
        return None
    late = [member for member in new if not member.serves]
    if len(members) == wanted and not late:
        return Start(1)
    if all(not member.placed and member.age_s > ROOM_S for member in late) and len(members) > wanted:
        return Stop(_emptiest(old).key, "a new one takes its place")
    return None


def _emptiest(members: Sequence[Member]) -> Member:
    """The worker whose end costs least: one that does not serve, else the one with the fewest calls."""
    return min(members, key=lambda member: (member.serves, member.calls, -member.age_s))
