"""Announcements: the lines that an operator or a tool lets the agent say, and the keys that it lets the agent press,
until that is done.

They wait in order: first all that come now, then those that come next, then those for an idle moment. A line that was
cut off before its time comes back to the front, so that none is lost. Nothing here speaks or knows the time.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import get_args

from server.agent.call_control import When
from server.call.agent_messages import MAX_LINE_CHARS
from server.errors import PeerError, TooMany
from server.media.frame import FRAME_MS
from server.record.orders import WaitingLine

MAX_LINES = 16
"""How many lines may wait in a call. They are minutes of speech already."""
RETRY_AFTER_S = 10
"""When somebody whose line found no room should try again: most lines are said in that time."""
IDLE_MS = 2_000
"""How long nobody has spoken when a moment counts as idle. Callers mostly begin within a second after an answer."""
MAX_FAILURES = 3
"""How often a line is tried whose speech cannot be made."""
REPAIR_MS = 1_000
"""How long no line begins after such a failure. A worker that has died is back in about as long."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A line that waits to be said, or keys that wait to be pressed."""

    text: str
    when: When = "next"
    interruptible: bool = True
    failures: int = 0
    """How often its speech could not be made."""
    keys: bool = False
    """The text is keys of the telephone, as `read_keys` gives them."""
    asks: bool = False
    """A tool asks for keys with it, and waits for them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What goes on in the call."""

    quiet: bool
    """Nobody speaks for whom the agent would wait, and no answer is being made."""
    caller_speaks: bool
    """The caller speaks, or others for whom the agent would wait."""
    speaking: bool
    """The agent has words to say, and does not just wait for a tool."""
    yields: bool
    """What the agent says now, if anything, may be cut off for a line that comes now."""
    finishing: bool
    """The agent has to apologise first, or to say the rest of its answer."""
    owing: bool
    """Anything is owed to the caller."""


class Announcements:
    """The lines of one call that wait."""

    def __init__(self) -> None:
        self.then_leave = False
        """The call ends when all of them have been said."""
        self._lines: dict[When, deque[Announcement]] = {when: deque() for when in get_args(When)}
        self._quiet_ms = 0
        self._repair_ms = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, announcement: Announcement) -> None:
        """Let a line wait. Raises PeerError if it is empty or too long, and TooMany if there is no room."""
        if not announcement.text.strip():
            raise PeerError("There is nothing to say.")
        if len(announcement.text) > MAX_LINE_CHARS:
            raise PeerError(f"A line has at most {MAX_LINE_CHARS:,} characters.")
        if len(self) >= MAX_LINES:
            raise TooMany(f"{MAX_LINES} lines wait already, and no more may.", RETRY_AFTER_S)
        self._lines[announcement.when].append(announcement)

    def restore(self, lines: Iterable[WaitingLine]) -> None:
        """The call goes on with these lines, which have found room before."""
        for line in lines:
            self._lines[line.when].append(Announcement(line.text, line.when, line.interruptible, keys=line.keys))

    @property
    def waiting(self) -> tuple[WaitingLine, ...]:
        """The lines that wait, for the record. A tool that asks for keys does not go on elsewhere."""
        lines = (line for waiting in self._lines.values() for line in waiting if not line.asks)
        return tuple(WaitingLine(line.text, line.when, line.interruptible, line.keys) for line in lines)

    @property
    def asking(self) -> bool:
        """A tool is about to ask for keys."""
        return any(line.asks for lines in self._lines.values() for line in lines)

    def withdraw_asking(self) -> None:
        """No tool asks for keys any more."""
        for when, lines in self._lines.items():
            self._lines[when] = deque(line for line in lines if not line.asks)

    def put_back(self, announcement: Announcement) -> None:
        """A line was cut off before the caller had heard it: it comes first among those of its kind."""
        self._lines[announcement.when].appendleft(announcement)

    def put_back_failed(self, announcement: Announcement) -> None:
        """The speech of a line could not be made: try again, after a while and not for ever."""
        self._repair_ms = REPAIR_MS
        if announcement.failures + 1 < MAX_FAILURES:
            self.put_back(replace(announcement, failures=announcement.failures + 1))

    def pass_frame(self, quiet: bool) -> None:
        """20 ms have passed. `quiet`: nobody has spoken in them."""
        self._quiet_ms = self._quiet_ms + FRAME_MS if quiet else 0
        self._repair_ms = max(0, self._repair_ms - FRAME_MS)

    @property
    def idle(self) -> bool:
        """Nobody has spoken for a while."""
        return self._quiet_ms >= IDLE_MS

    def take(self, moment: Moment) -> Announcement | None:
        """The line that has to be said now; None if there is none. It does not wait any more."""
        waiting = next((lines for lines in self._lines.values() if lines), None)
        if waiting is None or self._repair_ms or not self._may_begin(waiting[0], moment):
            return None
        return waiting.popleft()

    def _may_begin(self, line: Announcement, moment: Moment) -> bool:
        match line.when:
            case "now":
                waits_for_caller = line.interruptible and moment.caller_speaks
                waits_for_words = line.asks and moment.speaking
                return moment.yields and not waits_for_caller and not waits_for_words
            case "next":
                return moment.quiet and not moment.finishing
            case "idle":
                return moment.quiet and not moment.owing and self.idle
