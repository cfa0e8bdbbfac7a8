"""Voicing: when a voice begins, how long it has spoken, and how long it has been silent since.

It is told VAD's probability of speech for each frame. A voice must last for a moment before it counts, which keeps
clicks out. Inside a voice a lower probability is enough, which keeps words whole. Time is counted in frames.
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
    """The voice in one call. After each `receive`, the attributes describe the newest frame."""

    def __init__(self, settings: VoicingSettings) -> None:
        self._settings = settings
        self._score_ms = 0
        self.active = False
        """A voice has begun, and `rest` has not been called since then."""
        self.voiced = False
        """There is a voice in the newest frame."""
        self.active_ms = 0
        """Time since the voice began, with its pauses."""
        self.voiced_ms = 0
        """How much voice there was since then, without the pauses."""
        self.silence_ms = 0
        """How long the voice has been silent again."""

    def receive(self, probability: float) -> None:
        """Take the probability that there is speech in the next frame."""
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
        """The utterance is over. The next voice begins another one."""
        self.active = False
        self._score_ms = self.active_ms = self.voiced_ms = self.silence_ms = 0
