"""The rooms of the house, floor by floor, and the picture of them in docs/architecture.md.

python -m tests.rooms        # draws the picture; paste it when the house has changed
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted(
    str(path.relative_to(ROOT)) for room in ("server", "signaling") for path in (ROOT / room).rglob("*.py")
)  # fmt: skip
WIDTH = 118


@dataclass(frozen=True, slots=True)
class Room:
    """Some files that belong together: a folder, or files of a folder by their names."""

    folder: str
    purpose: str
    names: str = ""
    """Which files of the folder; "" is all that no other room has, with the folders in it."""

    @property
    def title(self) -> str:
        return f"{self.folder} {', '.join(self.names.split())}".strip()

    def has(self, path: str) -> bool:
        if not path.startswith(self.folder):
            return False
        return not self.names or path in {f"{self.folder}{name}.py" for name in self.names.split()}


HOUSE: tuple[tuple[Room, ...], ...] = (
    (Room("server/", "builds the server from its settings, starts it and stops it"),),
    (Room("server/cluster/", "many servers that work as one: who is alive, the door in front of them, and Ray"),),
    (
        Room(
            "signaling/",
            "how two sides agree to talk: HTTP, offers, the WebSocket, SIP, telephone systems. No sound, no opinions",
        ),
        Room("server/telemetry/", "counts and measures; no other room knows it"),
        Room("server/webhooks/", "tells the operator's own systems what happens in calls"),
    ),
    (
        Room(
            "server/call/line/",
            "the ways in: WebRTC, WebSocket, SIP, telephone lines; each connection is a leg of a session",
        ),
        Room("server/testing/", "calls of words, for the tests of authors: a caller, engines, a model"),
    ),
    (Room("server/call/desk/", "who is let in, and where calls are found"),),
    (Room("server/call/", "one call: the session, its dialogue, and the reply on its way to the caller"),),
    (Room("server/call/mind/", "words in, a reply in the making out; what was said, and what is still owed"),),
    (Room("server/call/", "what a call is held with, and may use", "setup settings host budget metered hooks"),),
    (
        Room("server/call/ears/", "sound in; voice, pauses and keys out"),
        Room("server/call/mouth/", "a reply in; sound out, and how much of it was heard"),
    ),
    (Room("server/call/turns/", "is the caller done? does the caller want to interrupt?"),),
    (
        Room(
            "server/call/",
            "who may speak, and the words that all use",
            "floor events message messages agent_messages options caller live control_token trace",
        ),
    ),
    (
        Room("server/agent/", "what an agent is, and one run of it"),
        Room("server/speech/", "engines for speech, in processes of their own"),
        Room("server/record/", "what is kept of a call, and where"),
    ),
    (Room("server/media/", "packets in and out, 20 ms frames in between"),),
    (
        Room("server/", "what every room may use", "errors settings_group pace logs"),
        Room("server/call/turns/lexicon/", "what words tell about whose turn it is, a file for each language"),
    ),
)
"""From the top to the ground. A file may import its own room and the floors below; rooms on one floor do not know each
other."""


def place(path: str) -> tuple[int, Room]:
    """The floor (0 is the top) and the room of a file: a room that names it, else the one with the longest folder."""
    rooms = [(floor, room) for floor, rooms in enumerate(HOUSE) for room in rooms if room.has(path)]
    return max(rooms, key=lambda found: (bool(found[1].names), len(found[1].folder)))


def picture() -> str:
    """The house in characters, one row of boxes for each floor."""
    rows = [_row(floor) for floor in HOUSE]
    inner = WIDTH - 2
    border = ["┌" + "─" * inner + "┐", *["├" + "─" * inner + "┤"] * (len(rows) - 1), "└" + "─" * inner + "┘"]
    lines = [border[0]]
    for row, below in zip(rows, border[1:], strict=True):
        lines += [*row, below]
    return "\n".join(lines)


def _row(floor: tuple[Room, ...]) -> list[str]:
    width = (WIDTH - 1) // len(floor) - 3
    cells = [
        [room.title, *textwrap.wrap(room.purpose, width - 2, initial_indent="  ", subsequent_indent="  ")]
        for room in floor
    ]
    height = max(map(len, cells))
    padded = [[line.ljust(width) for line in [*cell, *[""] * (height - len(cell))]] for cell in cells]
    return [f"│ {' │ '.join(parts)}".ljust(WIDTH - 1) + "│" for parts in zip(*padded, strict=True)]


if __name__ == "__main__":
    print(picture())
