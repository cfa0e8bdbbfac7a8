"""Judge: what the sound of the caller means for the floor, and what should be ready in case the caller is done.

The judge looks at the present utterance after every frame. It sees a `View` and gives a `Verdict`. The dialogue acts on
the verdict; the judge itself starts nothing. `TurnJudge` is the judge of calls whose agent brings none of its own.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Protocol

from server.call.events import Backchannel, Endpoint, Interruption, NoWords
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.lexicon.lexicon import Lexicon
from server.call.turns.overlap import AgentState, OverlapSettings


@dataclass(frozen=True, slots=True)
class HeardVoice:
    """How the voice of the present utterance is at one frame."""

    voiced: bool
    """The newest frame has a voice in it."""
    active_ms: int
    """Time since the voice began, with its pauses."""
    voiced_ms: int
    """How long the caller has spoken since then, without the pauses."""
    silence_ms: int
    """How long the caller has been silent again."""
    echoed: bool = False
    """The utterance is the agent's own voice, and nobody spoke."""
    over: float | None = None
    """The probability that the voice sounds as if the caller is done; None outside pauses, and when nothing tells."""
    judging: bool = False
    """An endpoint model has been asked about it, and has not answered yet."""


@dataclass(frozen=True, slots=True)
class View:
    """What is known at one frame: about the present utterance, and about the agent meanwhile."""

    utterance: int
    """The number of the utterance."""
    text: str
    """Its words, as far as speech-to-text knows them."""
    lexicon: Lexicon
    """Knows the words of the language that the call is held in."""
    settled: bool
    """`text` covers everything that was heard."""
    voice: HeardVoice
    last_said: str = ""
    """What the caller heard the agent say last."""
    agent: AgentState = AgentState.SPEAKING
    reply_heard: str = ""
    """What the caller has heard of the current reply."""
    echoes: bool = False
    """The agent's own voice may come back from the caller's loudspeaker."""
    reply_left_ms: float = inf
    """How much of the current reply is left to be heard."""
    interruptible: bool = True
    """The caller may stop the current reply."""
    company: bool = False
    """Other voices have cut off the last answers unheard, so the agent speaks on over voices that do not command."""


class Prepare(Enum):
    """What should be made ready in case the caller is done."""

    NOTHING = "nothing"  # leave everything as it is
    CANCEL = "cancel"  # the caller goes on: what was prepared is not wanted
    WORDS = "words"  # ask speech-to-text for the words of the whole utterance
    ANSWER = "answer"  # ask for these words, and let the agent answer them, unheard


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to prepare first, and what to tell the floor then, if anything."""

    prepare: Prepare = Prepare.NOTHING
    event: Endpoint | Interruption | Backchannel | NoWords | None = None


@dataclass(frozen=True, slots=True)
class JudgeSetup:
    """What a judge may know when the call begins."""

    endpoint: EndpointSettings
    overlap: OverlapSettings
    phrases: tuple[str, ...] = ()
    """Sentences that callers are expected to say."""
    digits: int = 0
    """How many digits the numbers of callers have; 0: it differs."""


class Judge(Protocol):
    """The judge of one call. It is asked at every frame of an utterance, so it must answer within a millisecond."""

    def hearing(self, view: View) -> Verdict:
        """The caller has the floor. Is the caller done? The event is an Endpoint, NoWords or None."""

    def overlap(self, view: View) -> Verdict:
        """The caller makes a sound in the agent's turn. Does the agent stop for it?

        The event is an Interruption, a Backchannel, NoWords or None, which leaves the agent faded out and waits.
        """
