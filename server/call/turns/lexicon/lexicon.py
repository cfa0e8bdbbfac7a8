"""Lexicon: what the words of one language tell about whose turn it is.

Turn-taking asks a lexicon four things: which words a text has, how a caller's text ends, what the agent has asked for,
and what words mean that are said over the agent. It knows no words itself. Each language has files of its own beside
this one, and `neutral.py` serves all languages that have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Completeness(Enum):
    """How finished a sentence looks by its last words."""

    NOTHING = "nothing"  # no words yet
    COMPLETE = "complete"  # may well be the whole sentence
    SINGLE = "single"  # one word: a whole answer, or the first word of a sentence
    NUMBER = "number"  # ends in a number or a spelled letter, which may go on
    OPEN = "open"  # cannot be the whole sentence


class Wanted(Enum):
    """What the agent asks for."""

    NOTHING = "nothing"  # or nothing that a lexicon knows
    NUMBER = "number"
    SPELLING = "spelling"
    EMAIL = "email"
    ADDRESS = "address"  # of a house


class Kind(Enum):
    """What words mean that are said over the agent."""

    NOTHING = "nothing"  # no words
    BACKCHANNEL = "backchannel"  # encourages or reassures the agent, and asks for nothing
    WORDS = "words"  # says something
    COMMAND = "command"  # asks the agent to be silent or to listen: "excuse me"
    STOP = "stop"  # asks the agent to stop also what it is doing: "cancel that"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a caller's text ends."""

    completeness: Completeness
    announces: bool = False
    """The words say that more is to come, as "I have a question" does."""
    digits: int = 0
    """How many digits the number at the end has; 0: no number is there."""
    lone_figure: bool = False
    """The number at the end has few digits by its place, as in "at ten"."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What words mean that are said over the agent."""

    kind: Kind
    asking: int = 0
    """How many of the words are neither backchannels nor fillers."""
    may_go_on: bool = False
    """The words are also the beginning of a backchannel, as "no" is of "no rush"."""


class Lexicon(Protocol):
    """What turn-taking asks about the words of one language. A lexicon has no state; all calls share it."""

    def words(self, text: str) -> tuple[str, ...]:
        """The words of `text` in one way of writing, so that words of the agent and of an engine can be compared."""

    def ending(self, text: str) -> Ending:
        """How a caller's text ends. It takes no longer for a long text than for a short one."""

    def asked_for(self, agent_text: str) -> Wanted:
        """What the agent asks for at the end of its text."""

    def remark(self, words: Sequence[str]) -> Remark:
        """What `words`, which the method `words` has made of a text, mean over the agent."""

    def __hash__(self) -> int: ...
