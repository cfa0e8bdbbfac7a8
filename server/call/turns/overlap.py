"""Overlap: the caller makes a sound while it is the agent's turn. Is it an interruption, a backchannel or a noise?

The agent is ducked as soon as the sound begins. `meaning_of` then decides how to go on, by how long the sound has
lasted and by its words. "mm-hm" and "right" are backchannels and only encourage the agent. A cough or a door has no
words. An echo has the agent's own words, in their order; words are compared with the agent's only where its
voice may come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from math import inf
from typing import ClassVar

from pydantic import NonNegativeInt, PositiveInt

from server.call.turns.lexicon.english import ENGLISH
from server.settings_group import SettingsGroup
from server.words import spoken


class Meaning(Enum):
    UNDECIDED = "undecided"  # wait for more of the sound
    INTERRUPTION = "interruption"  # the agent stops for good
    BACKCHANNEL = "backchannel"  # the agent goes on, from where it was ducked; a noise and an echo count as this, too


class AgentState(Enum):
    """What the agent is doing when the sound comes."""

    SPEAKING = "speaking"
    THINKING = "thinking"  # the caller hears nothing: the reply, or its next clause, has no sound yet
    TOOL = "tool"  # a tool runs, whether or not the agent speaks meanwhile


@dataclass(frozen=True, slots=True)
class Bar:
    """What a sound must have in order to interrupt the agent in one state."""

    words: int
    """How many words that are neither backchannels nor the agent's own. At the end of the sound one is enough."""
    words_ms: int
    """How much voice is needed together with the words. The words of shorter sounds are mostly wrong."""
    voiced_ms: int
    """Or how much voice beyond its words: speech-to-text lags behind a caller who is clearly talking."""


class OverlapSettings(SettingsGroup):
    """How much of the caller's voice it takes to interrupt the agent. Sound that does not reach the bar is a
    backchannel, such as "mm-hm", or noise, and the agent goes on.
    """

    title: ClassVar[str] = "Overlap: when the caller interrupts"

    words: PositiveInt = 2
    """Words that interrupt the agent while it speaks. Backchannels and the agent's own words, which come back as echo,
    do not count. A command such as "stop" is enough alone, and so is any one word when the sound has ended."""
    words_ms: NonNegativeInt = 600
    """Voice in ms that there must be before words, other than commands, interrupt the agent while it speaks. "Mm-hm"
    and "got it" are shorter, and the words of shorter sounds are often misheard."""
    voiced_ms: NonNegativeInt = 700
    """Voice in ms, beyond the time that its known words take, that interrupts the agent while it speaks. Speech-to-text
    lags behind a caller who is clearly talking."""
    thinking_words: PositiveInt = 1
    """Words that interrupt the agent before its answer is heard. The caller is not done, and what they add is answered
    with what they said before."""
    thinking_words_ms: NonNegativeInt = 200
    """Voice in ms that there must be before words interrupt the agent before its answer is heard. In this time a short
    "Monday" has a word, but a cough has none."""
    thinking_voiced_ms: NonNegativeInt = 600
    """Voice in ms, beyond the time that its known words take, that interrupts the agent before its answer is heard.
    Less than while the agent speaks: the caller talks over nobody, so there is no need to wait for the words."""
    tool_words: PositiveInt = 3
    """Words that interrupt the agent while a tool runs. A murmur must not cancel a booking."""
    tool_words_ms: NonNegativeInt = 900
    """Voice in ms that there must be before words interrupt the agent while a tool runs. It is longer than any
    backchannel; a caller who wants to stop a booking says "stop" or "wait", or a sentence."""
    tool_voiced_ms: NonNegativeInt = 1_500
    """Voice in ms, beyond the time that its known words take, that interrupts the agent while a tool runs. A sentence
    that is said to another person in the room is about as long."""
    steady_ms: NonNegativeInt = 100
    """How many ms words must have been in the transcript before they count, while the sound still lasts. The newest
    word of speech-to-text is only a guess."""
    early_ms: NonNegativeInt = 800
    """Rest of the answer, in ms, in which any words, even a backchannel, are taken for a reply to it. People answer
    before the last syllable."""
    word_ms: NonNegativeInt = 400
    """Time in ms that one word takes in slow speech. A voice that lasts longer than its known words has words that
    speech-to-text has not told yet."""
    settle_ms: NonNegativeInt = 250
    """Silence in ms after the sound after which it is judged by its words. The shortest pause between words that go on
    is about 200 ms."""
    patience_ms: NonNegativeInt = 1_000
    """Silence in ms after which the sound is judged by the words that are known, even if speech-to-text is still busy.
    Until then the agent is faded out, and a longer silence of the agent sounds broken."""

    def bar(self, state: AgentState) -> Bar:
        if state is AgentState.THINKING:
            return Bar(self.thinking_words, self.thinking_words_ms, self.thinking_voiced_ms)
        if state is AgentState.TOOL:
            return Bar(self.tool_words, self.tool_words_ms, self.tool_voiced_ms)
        return Bar(self.words, self.words_ms, self.voiced_ms)


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of the sound so far, and of the agent meanwhile."""

    voiced_ms: float
    """How much voice there was, without the pauses."""
    silence_ms: float
    """How long the caller has been silent again."""
    text: str
    """The words of the sound, as far as speech-to-text knows them."""
    earlier_text: str
    """What `text` was `steady_ms` ago."""
    agent_text: str
    """What the caller has heard of the agent's reply, if it may come back as echo; else "". A caller without such a
    loudspeaker who says the agent's words means them: "medium", over "small or medium?", is an answer."""
    state: AgentState = AgentState.SPEAKING
    interruptible: bool = True
    echoed: bool = False
    """The sound is the agent's own voice, coming back."""
    settled: bool = True
    """`text` has all the words of the sound. False while speech-to-text works on them."""
    left_ms: float = inf
    """How much of the reply is left to be heard."""


ECHO_WORDS = 30
"""How many of the agent's last words can be its echo. Sound comes back within a second, and its words are known a few
seconds later. Words that the agent said before that are the caller's own."""


def meaning_of(overlap: Overlap, settings: OverlapSettings) -> Meaning:
    """What the sound means. After UNDECIDED, ask again when there is more of the sound."""
    if overlap.echoed:
        return Meaning.BACKCHANNEL
    if not overlap.interruptible:
        long_enough = overlap.silence_ms >= settings.settle_ms or overlap.voiced_ms >= settings.voiced_ms
        return Meaning.BACKCHANNEL if long_enough else Meaning.UNDECIDED
    if _is_enough_already(overlap, settings):
        return Meaning.INTERRUPTION
    if overlap.silence_ms < (settings.settle_ms if overlap.settled else settings.patience_ms):
        return Meaning.UNDECIDED
    return Meaning.INTERRUPTION if _asked_for_something(overlap, settings) else Meaning.BACKCHANNEL


def _is_enough_already(overlap: Overlap, settings: OverlapSettings) -> bool:
    """Whether the sound interrupts the agent, whatever may follow."""
    bar = settings.bar(overlap.state)
    unexplained_ms = overlap.voiced_ms - settings.word_ms * len(spoken(overlap.text))
    new = _new_words(overlap.text, overlap)  # the echo in them is looked for once: this is done at every frame
    earlier = new if overlap.earlier_text == overlap.text else _new_words(overlap.earlier_text, overlap)
    enough = min(len(new), len(earlier)) >= bar.words and overlap.voiced_ms >= bar.words_ms
    commands = _commands(new, overlap.state) & _commands(earlier, overlap.state)
    return unexplained_ms >= bar.voiced_ms or enough or bool(commands)


def _asked_for_something(overlap: Overlap, settings: OverlapSettings) -> bool:
    """Whether the sound, which is over now, interrupts the agent."""
    new = _new_words(overlap.text, overlap)
    early = overlap.left_ms <= settings.early_ms and _without_echo(spoken(overlap.text), overlap.agent_text)
    enough = new and overlap.voiced_ms >= settings.bar(overlap.state).words_ms
    return bool(_commands(new, overlap.state) or early or enough)


def _commands(new_words: list[str], state: AgentState) -> frozenset[str]:
    """The words that stop the agent without any others. A running tool needs clearer ones."""
    return (ENGLISH.stops if state is AgentState.TOOL else ENGLISH.commands).intersection(new_words)


def _new_words(text: str, overlap: Overlap) -> list[str]:
    """The words that ask for something: those that are neither backchannels nor the agent's own."""
    rest = ENGLISH.cheers.sub(" ", " ".join(spoken(text))).split()
    return [word for word in _without_echo(rest, overlap.agent_text) if word not in ENGLISH.backchannels]


def _without_echo(words: Sequence[str], agent_text: str) -> list[str]:
    """`words` without echo, which is words of `agent_text` in their order. A command alone is never taken for echo."""
    own = spoken(agent_text)[-ECHO_WORDS:]
    echo: set[int] = set()
    for start, _, size in SequenceMatcher(None, words, own, autojunk=False).get_matching_blocks():
        if size > 1 or (size == 1 and words[start] not in ENGLISH.commands):
            echo.update(range(start, start + size))
    return [word for i, word in enumerate(words) if i not in echo]
