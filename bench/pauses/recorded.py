"""Recordings of people who pause while they speak.

A directory of recordings has `orders.json`, a list of {"id": …, "speech_ms": [[start, end], …], "pauses_ms": […]}, and
`orders/ID.flac`. Spoken parts with less than SHORTEST_PAUSE_MS between them count as one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.common.halves import Half, half_of
from bench.common.opus import through_opus
from bench.pauses.corpus import ScriptedPause
from bench.speech.recordings import as_16_khz
from server.errors import ConfigError
from tests.voices import silence

SHORTEST_PAUSE_MS = 200
PLACE = "person"
"""The kind of place of a pause in a recording: nobody knows why the person paused."""


@dataclass(frozen=True, slots=True)
class RecordedUtterance:
    """What one person says, with pauses."""

    name: str
    path: Path
    parts_ms: tuple[tuple[int, int], ...]
    """The first and the last ms of each spoken part."""
    agent_text: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Nobody has written down what is said."""
        return ("",) * len(self.parts_ms)

    @property
    def text(self) -> str:
        return self.name

    @property
    def pauses(self) -> tuple[ScriptedPause, ...]:
        pairs = zip(self.parts_ms, self.parts_ms[1:], strict=False)
        return tuple(ScriptedPause(PLACE, after[0] - before[1]) for before, after in pairs)

    def sound(self, tail_s: float) -> bytes:
        """16 kHz PCM, as it comes through Opus at 32 kb/s, with silence after it."""
        return through_opus(as_16_khz(self.path) + silence(tail_s))


def recorded(folder: Path, half: Half = "all") -> list[RecordedUtterance]:
    """All recordings in the directory, or one half of them. Raises ConfigError when it has none."""
    table = folder / "orders.json"
    try:
        entries = json.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(f"cannot read {table}: {exc}") from exc
    return [
        RecordedUtterance(entry["id"], folder / "orders" / f"{entry['id']}.flac", tuple(_parts(entry["speech_ms"])))
        for entry in half_of(entries, half)
    ]


def _parts(speech_ms: list[list[int]]) -> Iterator[tuple[int, int]]:
    start, end = speech_ms[0]
    for next_start, next_end in speech_ms[1:]:
        if next_start - end >= SHORTEST_PAUSE_MS:
            yield start, end
            start = next_start
        end = next_end
    yield start, end
