"""Decision: what the demo agent does next, and what it decides that from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Topic = Literal["order", "callback"]


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What the agent has asked and still waits for: the number of an order, or the day and time of a callback."""

    topic: Topic
    day: str | None = None
    at: str | None = None
    """A time of day as HH:MM, in 24 hours."""
    number: str | None = None
    """The order number that the caller has to confirm."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Say `text`; then call `tool`, if there is one, and say what it returns."""

    text: str = ""
    tool: str | None = None
    args: tuple[tuple[str, str | int | float], ...] = ()
    asks: OpenQuestion | None = None
    """The question that is open afterwards."""


@dataclass(frozen=True, slots=True)
class Request:
    """The newest utterance of the caller, and what came before it."""

    words: tuple[str, ...]
    asked: OpenQuestion | None
    """The question of the agent that is still open."""
    said: tuple[str, ...]
    """The caller's earlier utterances, oldest first."""
    answered: str
    """The agent's last answer, as far as the caller heard it."""

    def any(self, *words: str) -> bool:
        """Whether the caller said one of the words."""
        return not set(words).isdisjoint(self.words)

    def has(self, phrase: str) -> bool:
        """Whether the caller said these words one after the other."""
        return f" {phrase} " in f" {' '.join(self.words)} "


Rule = Callable[[Request], Decision | None]
"""None when the rule has nothing to say to the request."""
