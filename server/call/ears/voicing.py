"""Probabilities of speech → when a voice begins, and how long it has spoken and been silent since.

Two thresholds and a least length keep clicks out and words whole. Time is counted in frames.
"""

from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeInt

from server.media.frame import FRAME_MS
from server.settings_group import SettingsGroup

Probability = Annotated[float, Field(ge=0, le=1)]


class VoicingSettings(SettingsGroup):
    """When sound counts as a voice. For each frame of 20 ms, voice detection (Silero) gives a probability that it has
    speech in it.
    """

    title: ClassVar[str] = "Voice: when sound is a voice"

    start_probability: Probability = 0.5
    """Probability from which on a frame counts as voice after silence. It is Silero's own default: more likely a voice
    than not."""
    stop_probability: Probability = 0.35
    """Probability below which a frame counts as silence after voice. It is lower than the start, because word endings
    are quiet."""
    start_ms: NonNegativeInt = 60
    """How many ms more of voice than of silence there must be for an utterance to begin. It is shorter than a short
    "no", and longer than a click."""


class Voicing:
    """Follows one call. After each `receive`, its attributes tell of the present."""

    def __init__(self, settings: VoicingSettings) -> None:
        self._settings = settings
        self._score_ms = 0
        self.active = False
        """A voice has begun and `rest` was not called since."""
        self.voiced = False
        """The newest frame has voice."""
        self.active_ms = 0
        """Since the voice began, pauses and all."""
        self.voiced_ms = 0
        self.silence_ms = 0

    def receive(self, probability: float) -> None:
        """Take the probability of the next frame."""
        settings = self._settings
        threshold = settings.stop_probability if self.voiced else settings.start_probability
        self.voiced = probability >= threshold
        if self.active:
            self.active_ms += FRAME_MS
            self.voiced_ms += FRAME_MS if self.voiced else 0
            self.silence_ms = 0 if self.voiced else self.silence_ms + FRAME_MS
            return
        self._score_ms = max(0, self._score_ms + (FRAME_MS if self.voiced else -FRAME_MS))
        if self._score_ms >= settings.start_ms:
            self.active, self.silence_ms = True, 0
            self.active_ms = self.voiced_ms = self._score_ms

    def rest(self) -> None:
        """The utterance is over; the next voice begins another."""
        self.active = False
        self._score_ms = self.active_ms = self.voiced_ms = self.silence_ms = 0
