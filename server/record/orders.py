"""Orders: what operators and tools have told the agent of a call, and what still holds or waits."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line that waits to be said, or keys that wait to be pressed."""

    text: str
    when: Literal["now", "next", "idle"]
    interruptible: bool
    keys: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """They go with the call to another server, or to another agent."""

    lines: tuple[WaitingLine, ...] = ()
    """In the order in which they will be said."""
    then_leave: bool = False
    """The call ends when all of them have been said."""
    instructions: tuple[str, ...] = ()
    """What the model is told with each request."""
    muted: bool = False
    """The agent does not hear the caller."""
