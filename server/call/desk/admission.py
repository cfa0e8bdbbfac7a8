"""Is there room for another call? Load in, a refusal or nothing out.

Counting calls is not enough: what one call costs depends on engines, machine and neighbours. So new calls are refused
while those that run are about to suffer, and admitted again only when the load has fallen well below that, because at
the limit itself each new call would bring it back.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from pydantic import PositiveFloat

from server.settings_group import SettingsGroup

RESUMES_AT = 0.5
"""Share of a limit below which calls are admitted again."""


class AdmissionSettings(SettingsGroup):
    """When the server is too busy for another call, even if there are fewer than `ANTIPHON_MAX_CALLS`. It takes calls
    again when the load has fallen below half of the limit.
    """

    title: ClassVar[str] = "Admission: when the server is too busy"

    lag_ms: PositiveFloat = 40.0
    """Refuse new calls when the media loop is late by more than this many ms at one tick in twenty. A browser's buffer
    absorbs two frames, which are 40 ms; callers hear more."""
    wait_ms: PositiveFloat = 2000.0
    """Refuse new calls when anyone has waited longer than this many ms for speech-to-text or text-to-speech. Callers
    take a longer silence for a dead line."""


class Refusal(Enum):
    """Why there is no place for another call; the value is stable and for programs."""

    DRAINING = "draining"
    FULL = "full"
    LOOP_LATE = "loop_late"
    SPEECH_LATE = "speech_late"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Refusal.DRAINING: "The server is shutting down. Please call again in a moment.",
    Refusal.FULL: "All lines are busy. Please call again in a moment.",
    Refusal.LOOP_LATE: "The server is too busy for another call. Please call again in a moment.",
    Refusal.SPEECH_LATE: "Speech takes too long at present. Please call again in a moment.",
}


@dataclass(frozen=True, slots=True)
class Load:
    """The last few seconds."""

    lag_ms: float
    """How late the media loop was, 95th percentile."""
    wait_ms: float
    """The longest that anybody has waited for a speech engine."""


class Admission:
    """Remembers which limit was reached, until the load is well below it."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._reached: set[Refusal] = set()

    def judge(self, load: Load) -> Refusal | None:
        """None admits a call now."""
        self._compare(Refusal.LOOP_LATE, load.lag_ms / self._settings.lag_ms)
        self._compare(Refusal.SPEECH_LATE, load.wait_ms / self._settings.wait_ms)
        return next((refusal for refusal in Refusal if refusal in self._reached), None)

    def _compare(self, refusal: Refusal, share: float) -> None:
        if share > 1:
            self._reached.add(refusal)
        elif share < RESUMES_AT:
            self._reached.discard(refusal)
