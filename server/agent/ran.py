"""Ran: for how long a tool ran, and what became of it."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["returned", "refused", "failed", "timed_out", "stopped", "unknown"]
"""refused: the tool asked the model to try again. stopped: the caller went on, and it may be stopped then. unknown: it
has not returned."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A tool that was called."""

    name: str
    ms: float | None = None
    """None: it has not returned."""
    outcome: Outcome = "unknown"
