"""Waiting: when the agent says something while the caller waits for a tool, or for a model that thinks, and what."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar

from pydantic import NonNegativeFloat, PositiveFloat

from server.media.frame import FRAME_MS
from server.settings_group import SettingsGroup


class WaitingSettings(SettingsGroup):
    """What the caller hears while a tool runs or the model thinks."""

    title: ClassVar[str] = "Waiting for an answer"

    first_s: NonNegativeFloat = 1.2
    """Seconds of silence, while a tool runs or the model thinks, after which the agent says one of its `waiting` lines;
    0: it waits in silence. After a second people begin to wonder whether they were heard."""
    again_s: PositiveFloat = 6.0
    """Seconds of silence after which it says another one. It says none twice in one answer."""


class HasText(Protocol):
    @property
    def text(self) -> str: ...


Line = TypeVar("Line", bound=HasText)


class Waiting:
    """Counts the silence of the present reply, and knows what was said in it. Each `tick` is 20 ms."""

    def __init__(self, settings: WaitingSettings) -> None:
        self._first = settings.first_s * 1000 / FRAME_MS
        self._again = settings.again_s * 1000 / FRAME_MS
        self._silent_frames = 0
        self._said: list[str] = []
        self._last = ""

    def begin(self) -> None:
        """Another reply begins."""
        self._silent_frames, self._said = 0, []

    def restart(self) -> None:
        """What was silence so far was none."""
        self._silent_frames = 0

    def tick(self, silent: bool) -> bool:
        """20 ms have passed, with nothing to be heard, or with something. Returns whether a line is due."""
        self._silent_frames = self._silent_frames + 1 if silent else 0
        return self._first > 0 and self._silent_frames >= (self._again if self._said else self._first)

    def choose(self, lines: Sequence[Line]) -> Line | None:
        """A line for now that was not said in this reply; None if there is none. It is not the last one of the reply
        before, if there is another."""
        left = [line for line in lines if line.text and line.text not in self._said]
        chosen = next((line for line in left if line.text != self._last), left[0] if left else None)
        if chosen is not None:
            self._said.append(chosen.text)
            self._last, self._silent_frames = chosen.text, 0
        return chosen
