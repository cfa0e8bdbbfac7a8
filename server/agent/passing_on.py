"""What a tool returns to pass the call on: to another agent, or to a person."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HandOver:
    """The call goes to another agent of this server, when the caller has heard the answer to its end.

    A tool returns it. The model is told in its place that the call will be handed over, or why not.
    """

    agent: str
    """The name under which the server knows the other agent."""
    note: str = ""
    """What the other agent's model is told, beside all that was said before."""
    given: Any = None
    """Anything for the other agent's `make_deps`, which finds it in `CallInfo.handed_over`. It is not stored."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """The call goes to a person, when the caller has heard the answer to its end, if the caller's line can do that.

    A tool returns it. The model is told in its place that the call will be transferred, or why not.
    """

    to: str
    """Where the person is: a telephone number, or an address such as sip:alice@example.org."""
    note: str = ""
    """What the person, or the bridge on the way, is told."""


PassingOn = HandOver | Transfer
