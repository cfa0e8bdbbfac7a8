"""Overlap: the caller makes a sound while it is the agent's turn. Is it an interruption, a backchannel or a noise?

The agent is ducked as soon as the sound begins. `meaning_of` then decides how to go on, by how long the sound has
lasted and by its words. "mm-hm" and "right" are backchannels and only encourage the agent. A cough or a door has no
words. An echo has the agent's own words, in their order; words are compared with the agent's only where its
voice may come back.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from math import inf
from typing import ClassVar

from pydantic import NonNegativeInt, PositiveInt

from server.call.turns.lexicon.lexicon import Kind, Lexicon, Remark
from server.settings_group import SettingsGroup


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
    voiced_ms: float
    """Or how much voice beyond its words: speech-to-text lags behind a caller who is clearly talking. Infinite where
    only words count."""


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
    voiced_ms: NonNegativeInt = 900
    """Voice in ms, beyond the time that its known words take, that interrupts the agent while it speaks. Speech-to-text
    lags behind a caller who is clearly talking; but a slow "all right" lasts for 800 ms, and has no words yet."""
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
    """Words that interrupt the agent while a tool runs. A murmur must not cancel a booking, and no voice does whose
    words are not known: "okay, thank you, I'll wait" takes as long as a sentence."""
    tool_words_ms: NonNegativeInt = 900
    """Voice in ms that there must be before words interrupt the agent while a tool runs. It is longer than any
    backchannel; a caller who wants to stop a booking says "stop" or "wait", or a sentence."""
    steady_ms: NonNegativeInt = 100
    """How many ms words must have been in the transcript before they count, while the sound still lasts. The newest
    word of speech-to-text is only a guess."""
    early_ms: NonNegativeInt = 1_000
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
            return Bar(self.tool_words, self.tool_words_ms, inf)
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
    company: bool = False
    """Voices that do not listen to the agent are there."""


ECHO_WORDS = 30
"""How many of the agent's last words can be its echo. Sound comes back within a second, and its words are known a few
seconds later. Words that the agent said before that are the caller's own."""


def meaning_of(overlap: Overlap, settings: OverlapSettings, lexicon: Lexicon) -> Meaning:
    """What the sound means. After UNDECIDED, ask again when there is more of the sound.

    `lexicon` knows the words of the caller's language.
    """
    if overlap.echoed:
        return Meaning.BACKCHANNEL
    if not overlap.interruptible:
        return _meaning_over_a_line_that_has_to_be_heard(overlap, settings, lexicon)
    if overlap.company:
        return _meaning_in_company(overlap, settings, lexicon)
    if _is_enough_already(overlap, settings, lexicon):
        return Meaning.INTERRUPTION
    if overlap.silence_ms < (settings.settle_ms if overlap.settled else settings.patience_ms):
        return Meaning.UNDECIDED
    return Meaning.INTERRUPTION if _asked_for_something(overlap, settings, lexicon) else Meaning.BACKCHANNEL


def _meaning_over_a_line_that_has_to_be_heard(overlap: Overlap, settings: OverlapSettings, lexicon: Lexicon) -> Meaning:
    """Nothing interrupts it. Words that ask for something wait until it is over, which is never decided here."""
    over = overlap.settled and overlap.silence_ms >= settings.settle_ms
    return Meaning.BACKCHANNEL if over and _remark(overlap.text, overlap, lexicon).asking == 0 else Meaning.UNDECIDED


def _is_enough_already(overlap: Overlap, settings: OverlapSettings, lexicon: Lexicon) -> bool:
    """Whether the sound interrupts the agent, whatever may follow."""
    bar = settings.bar(overlap.state)
    unexplained_ms = overlap.voiced_ms - settings.word_ms * len(lexicon.words(overlap.text))
    remark = _remark(overlap.text, overlap, lexicon)  # once: echo is looked for in it, at every frame
    earlier = remark if overlap.earlier_text == overlap.text else _remark(overlap.earlier_text, overlap, lexicon)
    enough = min(remark.asking, earlier.asking) >= bar.words and overlap.voiced_ms >= bar.words_ms
    return unexplained_ms >= bar.voiced_ms or enough or _is_steady_command(remark, earlier, overlap, lexicon)


def _is_steady_command(remark: Remark, earlier: Remark, overlap: Overlap, lexicon: Lexicon) -> bool:
    """Whether the words are a command, and were one `steady_ms` ago."""
    begun = lexicon.words(overlap.text)[: len(lexicon.words(overlap.earlier_text))]
    steady = bool(begun) and begun == lexicon.words(overlap.earlier_text)
    return steady and all(_is_command(each, overlap.state) and not each.may_go_on for each in (remark, earlier))


def _meaning_in_company(overlap: Overlap, settings: OverlapSettings, lexicon: Lexicon) -> Meaning:
    """What the sound means where voices do not listen: a command interrupts, and other words wait until the reply is
    over, which is never decided here.
    """
    remark = _remark(overlap.text, overlap, lexicon)
    earlier = _remark(overlap.earlier_text, overlap, lexicon)
    over = overlap.silence_ms >= (settings.settle_ms if overlap.settled else settings.patience_ms)
    if _is_steady_command(remark, earlier, overlap, lexicon) or (over and _is_command(remark, overlap.state)):
        return Meaning.INTERRUPTION
    return Meaning.BACKCHANNEL if over and remark.asking == 0 else Meaning.UNDECIDED


def _asked_for_something(overlap: Overlap, settings: OverlapSettings, lexicon: Lexicon) -> bool:
    """Whether the sound, which is over now, interrupts the agent."""
    remark = _remark(overlap.text, overlap, lexicon)
    early = overlap.left_ms <= settings.early_ms and remark.kind is not Kind.NOTHING
    enough = remark.asking > 0 and overlap.voiced_ms >= settings.bar(overlap.state).words_ms
    return _is_command(remark, overlap.state) or early or enough


_COMMANDS = (Kind.COMMAND, Kind.STOP)


def _is_command(remark: Remark, state: AgentState) -> bool:
    """Whether the words stop the agent, however few they are. A running tool needs clearer ones."""
    return remark.kind is Kind.STOP or (remark.kind is Kind.COMMAND and state is not AgentState.TOOL)


def _remark(text: str, overlap: Overlap, lexicon: Lexicon) -> Remark:
    """What the words mean, without echo, which is words of the agent in their order. A command of one word is never
    taken for echo.
    """
    words = lexicon.words(text)
    whole = lexicon.remark(words)
    if whole.kind in (Kind.NOTHING, Kind.BACKCHANNEL):
        return whole
    own = lexicon.words(overlap.agent_text)[-ECHO_WORDS:]
    echo: set[int] = set()
    for start, _, size in SequenceMatcher(None, words, own, autojunk=False).get_matching_blocks():
        if size > 1 or (size == 1 and lexicon.remark(words[start : start + 1]).kind not in _COMMANDS):
            echo.update(range(start, start + size))
    return lexicon.remark([word for i, word in enumerate(words) if i not in echo])
