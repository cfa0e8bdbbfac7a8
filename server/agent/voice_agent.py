"""VoiceAgent: a pydantic-ai agent with what a voice needs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic_ai import Agent

log = logging.getLogger(__name__)


@runtime_checkable
class EndsCalls(Protocol):
    """Deps of an agent whose tools can end the call."""

    hang_up_requested: bool
    """A tool sets it; the call ends when the answer in progress has been heard."""


def _no_deps() -> Any:
    return None


def _nothing(deps: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class VoiceAgent:
    """Who answers the phone.

    `agent` is any pydantic-ai agent whose output is text; its tools, instructions and model are its own.
    `make_deps` makes the agent's dependencies for one call, so that no call sees another's state. `dump_deps` gives
    what of them another server needs to go on with the call, and `load_deps` makes them of it.
    """

    agent: Agent[Any, str]
    name: str = "Agent"
    greeting: str = ""
    """Said when the call begins; "" waits for the caller."""
    goodbye: str = "Goodbye."
    """Said when the server has to end the call; "" ends it without a word."""
    still_there: str = "Are you still there?"
    """Said when the caller has been silent for long; "" says nothing, as with the apology."""
    apology: str = "Sorry, something went wrong on my side. Could you say that again?"
    """Said when an engine, the model or a tool fails; the call goes on."""
    voice: str = ""
    """The text-to-speech engine's name of a voice; "" is its default."""
    language: str = "en"
    """Of the fixed lines and the phrases, as a tag (BCP 47)."""
    languages: tuple[str, ...] = ()
    """What its own model can answer in, where that is not whatever it is asked to; calls may choose no other."""
    phrases: tuple[str, ...] = ()
    """Sentences that callers are expected to say: lower case, numbers spelled out, no punctuation."""
    number_phrases: tuple[str, ...] = ()
    """Expected in their place after the agent has asked for a number: few words are heard more surely than many."""
    digits: int = 0
    """How many digits the numbers have that callers say, where that is always the same: the last one ends the wait."""
    lookups: frozenset[str] = frozenset()
    """Names of the tools that change nothing: they may run before it is known that the person is done, and in vain."""
    patience: Literal["", "quick", "normal", "patient"] = ""
    """How long the agent waits in a pause and how hard it is to interrupt; "" leaves it to the server. A call may
    choose another."""
    make_deps: Callable[[], Any] = _no_deps
    dump_deps: Callable[[Any], str] = _nothing
    """Called after each exchange; "" when there is nothing to keep."""
    load_deps: Callable[[str], Any] | None = None
    """Gets what `dump_deps` gave, also of another version of the agent. None begins anew with `make_deps`."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What it says in fixed words."""
        return self.greeting, self.goodbye, self.still_there, self.apology

    def state_of(self, deps: Any) -> str:
        """What is kept of the dependencies of a call; "" where they cannot be dumped, which is logged."""
        try:
            return self.dump_deps(deps)
        except Exception:  # the agent's own fault
            log.exception("x the state of a call of %s cannot be kept", self.name)
            return ""

    def deps_of(self, state: str) -> Any:
        """The dependencies of a call in that state; "" is a new call. One that cannot be loaded is logged and lost."""
        if not state or self.load_deps is None:
            return self.make_deps()
        try:
            return self.load_deps(state)
        except Exception:  # another version of the agent wrote it
            log.exception("x the state of a call of %s cannot be loaded", self.name)
            return self.make_deps()
