"""The person makes a sound while it is the agent's turn: an interruption, a backchannel, or noise?

The answer is ducked at once; this says what to do next, from how long the sound has lasted and which words it has.
"mm-hm" and "right" cheer the agent on, a cough and a door have no words, and echo has the agent's own words.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    UNDECIDED = "undecided"
    INTERRUPTION = "interruption"  # stop for good
    BACKCHANNEL = "backchannel"  # go on, from where it is


@dataclass(frozen=True, slots=True)
class OverlapSettings:
    """When sound over the agent becomes an interruption."""

    words: int = 2
    """So many words that are neither a backchannel nor the agent's own; a word of command needs no company."""
    voiced_ms: int = 600
    """So much voice without any words yet: speech-to-text lags behind a person who is clearly talking."""
    settle_ms: int = 250
    """So much silence after the sound, and it was nothing: the shortest pause between words that go on is ~200 ms."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of the sound so far."""

    voiced_ms: float
    """How much voice, pauses left out."""
    silence_ms: float
    """How long it has been quiet again."""
    text: str
    """The partial transcript."""
    agent_text: str
    """What the agent has said lately, to know its echo by."""
    interruptible: bool = True


_WORD = re.compile(r"[\w']+")
_BACKCHANNELS = frozenset(
    "mm mhm hm hmm mmhm uh huh um ah aha oh ok okay yeah yes yep right sure good great fine nice cool i see well so "
    "alright got it a the and".split()
)
_COMMANDS = frozenset("stop wait no hold hang excuse sorry hello hey listen cancel enough pause goodbye bye".split())


def judge(overlap: Overlap, settings: OverlapSettings) -> Verdict:
    """What the sound means; UNDECIDED asks to be called again with more."""
    words = _WORD.findall(overlap.text.lower())
    own = set(_WORD.findall(overlap.agent_text.lower()))
    news = [word for word in words if word not in _BACKCHANNELS and word not in own]
    if overlap.interruptible and (len(news) >= settings.words or _COMMANDS.intersection(news)):
        return Verdict.INTERRUPTION
    if overlap.interruptible and not words and overlap.voiced_ms >= settings.voiced_ms:
        return Verdict.INTERRUPTION
    if overlap.silence_ms < settings.settle_ms:
        return Verdict.UNDECIDED
    return Verdict.INTERRUPTION if news and overlap.interruptible else Verdict.BACKCHANNEL
