"""Admission: is there room for another call? It takes the load of the server and gives a refusal, or None.

To count calls is not enough: what one call costs depends on the engines, on the machine, and on what else runs there.
So new calls are refused just before the present calls would suffer. They are admitted again only when the load has
fallen well below the limit, because at the limit itself each new call would bring the trouble back.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from pydantic import PositiveFloat

from server.settings_group import SettingsGroup

RESUMES_AT = 0.5
"""New calls are admitted again when the load is below this share of the limit that was reached."""


class AdmissionSettings(SettingsGroup):
    """When the server is too busy for another call, even if there are fewer than `ANTIPHON_MAX_CALLS`. It takes calls
    again when the load has fallen below half of the limit.
    """

    title: ClassVar[str] = "Admission: when the server is too busy"

    lag_ms: PositiveFloat = 40.0
    """Refuse new calls when the media loop is late by more than this many ms at one tick in twenty. A browser's buffer
    absorbs two frames, which are 40 ms; callers hear more."""
    wait_ms: PositiveFloat = 2000.0
    """Refuse new calls when three callers of four have waited longer than this many ms for speech-to-text or
    text-to-speech. They take a longer silence for a dead line. If a quarter of the callers is served in time, the
    others wait for their own long speech, or for their many requests."""


class Refusal(Enum):
    """Why a new call is refused. The value never changes, so programs can rely on it."""

    DRAINING = "draining"
    TOO_FAST = "too_fast"
    HALF_OPEN_LIMIT = "half_open_limit"
    ADDRESS_LIMIT = "address_limit"
    NAME_LIMIT = "name_limit"
    FULL = "full"
    LOOP_LATE = "loop_late"
    SPEECH_LATE = "speech_late"

    @property
    def sentence(self) -> str:
        """What the caller is told."""
        return _SENTENCES[self]

    @property
    def of_caller(self) -> bool:
        """Whether this caller is refused, while the server would take others."""
        return self in (Refusal.TOO_FAST, Refusal.HALF_OPEN_LIMIT, Refusal.ADDRESS_LIMIT, Refusal.NAME_LIMIT)


_SENTENCES = {
    Refusal.DRAINING: "The server is shutting down. Please call again in a moment.",
    Refusal.TOO_FAST: "You call too often. Please wait a moment, and call again.",
    Refusal.HALF_OPEN_LIMIT: "Several calls of yours have not connected yet. Please call again in a moment.",
    Refusal.ADDRESS_LIMIT: "There are too many calls from your network at present. Please call again later.",
    Refusal.NAME_LIMIT: "You have too many calls at present. Please end one of them first.",
    Refusal.FULL: "All lines are busy. Please call again in a moment.",
    Refusal.LOOP_LATE: "The server is too busy for another call. Please call again in a moment.",
    Refusal.SPEECH_LATE: "Speech takes too long at present. Please call again in a moment.",
}


@dataclass(frozen=True, slots=True)
class Load:
    """The load of the server in the last few seconds."""

    lag_ms: float
    """How late the ticks of the media loop were, 95th percentile."""
    wait_ms: float
    """How long a new caller would wait for a speech engine."""


class Admission:
    """Remembers which limits were reached, until the load is well below them."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._reached: set[Refusal] = set()

    def judge(self, load: Load) -> Refusal | None:
        """Why a call would be refused under this load; None admits it."""
        self._compare(Refusal.LOOP_LATE, load.lag_ms / self._settings.lag_ms)
        self._compare(Refusal.SPEECH_LATE, load.wait_ms / self._settings.wait_ms)
        return next((refusal for refusal in Refusal if refusal in self._reached), None)

    def _compare(self, refusal: Refusal, share: float) -> None:
        """`share`: the load, divided by its limit."""
        if share > 1:
            self._reached.add(refusal)
        elif share < RESUMES_AT:
            self._reached.discard(refusal)
