"""Judge: what the sound of the caller means for the floor, and what should be ready in case the caller is done.

The judge looks at the present utterance after every frame. It sees a `View` and gives a `Verdict`. The dialogue acts on
the verdict; the judge itself starts nothing.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from math import inf

from server.call.events import Backchannel, Endpoint, Event, Interruption, NoWords
from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms, enough_to_prepare_ms
from server.call.turns.expectation import expectation
from server.call.turns.habit import Habit
from server.call.turns.lexicon.lexicon import Lexicon
from server.call.turns.overlap import AgentState, Meaning, Overlap, OverlapSettings, meaning_of
from server.media.frame import FRAME_MS


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
    usual_pause_ms: float = 0.0
    """How long this caller's pauses inside utterances are; 0 while unknown."""
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
    reply_left_ms: float = inf
    """How much of the current reply is left to be heard."""
    interruptible: bool = True
    """The caller may stop the current reply."""


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
    event: Event | None = None


FIRST_WORDS = 2
"""A caller who speaks over the first words of an answer was not done."""


class Judge:
    """The judge of one call."""

    def __init__(
        self,
        endpoint: EndpointSettings,
        overlap: OverlapSettings,
        longest_ms: int,
        phrases: tuple[str, ...] = (),
        digits: int = 0,
    ) -> None:
        """An utterance of `longest_ms` is answered as it is.

        `phrases` are sentences that callers are expected to say. `digits` tells how many digits their numbers have
        (0: that differs).
        """
        self._endpoint = endpoint
        self._overlap = overlap
        self._longest_ms = longest_ms
        self._digits = digits
        self._phrases = phrases
        self._habit = Habit()
        self._texts: deque[str] = deque(maxlen=overlap.steady_ms // FRAME_MS + 1)
        """The words of the present overlap at each of the last frames."""

    # The caller has the floor

    def hearing(self, view: View) -> Verdict:
        """Decide whether the caller is done."""
        if view.voice.echoed:
            return Verdict(event=NoWords(view.utterance))
        if view.voice.voiced:
            endless = view.voice.active_ms > self._longest_ms
            return Verdict(Prepare.CANCEL, Endpoint(view.utterance) if endless else None)
        if view.voice.silence_ms < self._endpoint.prepare_ms:
            return Verdict()
        wait_ms = enough_silence_ms(self._pause_of(view), self._endpoint)
        soon = view.voice.silence_ms >= enough_to_prepare_ms(wait_ms, self._endpoint)
        prepare = Prepare.ANSWER if soon else Prepare.WORDS
        if view.voice.silence_ms < wait_ms:
            return Verdict(prepare)
        self._habit.ended()
        return Verdict(prepare, Endpoint(view.utterance))

    def _pause_of(self, view: View) -> Pause:
        """What the endpoint is decided from."""
        expected = expectation(self._phrases, view.lexicon)
        return Pause(
            ending=view.lexicon.ending(view.text),
            wanted=view.lexicon.asked_for(view.last_said),
            begun=expected.begun(view.text),
            whole=expected.whole(view.text),
            digits=self._digits,
            usual_pause_ms=view.voice.usual_pause_ms,
            over=view.voice.over,
            judging=view.voice.judging,
            stretch=self._habit.stretch,
        )

    # The caller makes a sound while it is the agent's turn

    def overlap(self, view: View) -> Verdict:
        """Decide whether the agent stops for this sound."""
        prepare = Prepare.NOTHING
        if view.voice.voiced:
            prepare = Prepare.CANCEL
        elif view.voice.silence_ms >= self._endpoint.prepare_ms:
            prepare = Prepare.WORDS
        self._texts.append(view.text)
        meaning = meaning_of(self._sound_over_agent(view), self._overlap, view.lexicon)
        if meaning is Meaning.UNDECIDED:
            return Verdict(prepare)
        self._texts.clear()
        if meaning is Meaning.BACKCHANNEL:
            return Verdict(prepare, Backchannel(view.utterance))
        if view.agent is AgentState.THINKING or len(view.lexicon.words(view.reply_heard)) <= FIRST_WORDS:
            self._habit.went_on()
        return Verdict(prepare, Interruption(view.utterance))

    def _sound_over_agent(self, view: View) -> Overlap:
        return Overlap(
            voiced_ms=view.voice.voiced_ms,
            silence_ms=view.voice.silence_ms,
            text=view.text,
            earlier_text=self._texts[0] if len(self._texts) == self._texts.maxlen else "",
            agent_text=view.reply_heard,
            left_ms=view.reply_left_ms,
            state=view.agent,
            interruptible=view.interruptible,
            echoed=view.voice.echoed,
            settled=view.settled and not view.voice.voiced,
        )
