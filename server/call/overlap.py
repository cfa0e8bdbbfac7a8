"""The person makes a sound while it is the agent's turn: an interruption, a backchannel, or noise?

The answer is ducked at once; this says what to do next, from how long the sound has lasted and which words it has.
"mm-hm" and "right" cheer the agent on, a cough and a door have no words, and echo has the agent's own words, in order.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from math import inf

from pydantic import NonNegativeInt, PositiveInt

from server.settings_group import SettingsGroup


class Verdict(Enum):
    UNDECIDED = "undecided"
    INTERRUPTION = "interruption"  # stop for good
    BACKCHANNEL = "backchannel"  # go on, from where it is


class OverlapSettings(SettingsGroup):
    """When sound over the agent becomes an interruption."""

    words: PositiveInt = 2
    """So many words that are neither a backchannel nor the agent's own; a word of command needs no company."""
    voiced_ms: NonNegativeInt = 600
    """So much voice beyond its words: speech-to-text lags behind a person who is clearly talking."""
    news_ms: NonNegativeInt = 500
    """Words count from so much voice on: the partial words of shorter sounds are mostly wrong."""
    short_ms: NonNegativeInt = 450
    """A sound shorter than this, without a word of command, is a backchannel, whatever was understood."""
    held_words: PositiveInt = 1
    """So many while nothing of the answer is heard yet: the person is not done."""
    early_ms: NonNegativeInt = 800
    """So little of the answer is left that any words are a reply to it: people answer before the last syllable."""
    word_ms: NonNegativeInt = 400
    """How long a word lasts in slow speech; what goes on for longer has words that are not known yet."""
    settle_ms: NonNegativeInt = 250
    """So much silence after the sound, and it was nothing: the shortest pause between words that go on is ~200 ms."""
    patience_ms: NonNegativeInt = 1_000
    """So much silence, and it is judged by the words that are known: ducked speech sounds broken when it lasts."""


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
    settled: bool = True
    """`text` has all the words of the sound; False while speech-to-text is still asked."""
    left_ms: float = inf
    """How much of the answer is still to be heard."""
    heard: bool = True
    """Some of the answer has been heard."""


ECHO_WORDS = 30
"""Echo comes within a second, its words within a few: words that the agent said before that are the person's own."""

_WORD = re.compile(r"[\w']+")
_BACKCHANNELS = frozenset(
    "mm mmm mhm hm hmm mmhm uh huh um ah aha oh ok okay yeah yes yep yup right sure good great fine nice cool perfect "
    "wow really exactly true well so alright a the and".split()
)
_CHEERS = re.compile(
    r"\b(i (see|know|understand)|got (it|that)|of course|no (problem|worries)|all right|very good|sounds good"
    r"|fair enough|that's (right|good|great|fine|nice|true|okay)|that is (right|good|great|fine|nice|true|okay))\b"
)
_COMMANDS = frozenset(
    "stop wait no hold hang excuse sorry hello hey listen cancel enough pause goodbye bye pardon repeat help".split()
)


def judge(overlap: Overlap, settings: OverlapSettings) -> Verdict:
    """What the sound means; UNDECIDED asks to be called again with more."""
    words = _words(overlap.text)
    unexplained_ms = overlap.voiced_ms - settings.word_ms * len(words)
    if not overlap.interruptible:
        over = overlap.silence_ms >= settings.settle_ms or overlap.voiced_ms >= settings.voiced_ms
        return Verdict.BACKCHANNEL if over else Verdict.UNDECIDED
    news = _news(words, overlap.agent_text)
    if _COMMANDS.intersection(news) or unexplained_ms >= settings.voiced_ms:
        return Verdict.INTERRUPTION
    if len(news) >= settings.words and overlap.voiced_ms >= settings.news_ms:
        return Verdict.INTERRUPTION
    if len(news) >= settings.held_words and not overlap.heard:
        return Verdict.INTERRUPTION
    if overlap.silence_ms < (settings.settle_ms if overlap.settled else settings.patience_ms):
        return Verdict.UNDECIDED
    early = overlap.left_ms <= settings.early_ms and _not_echoed(words, overlap.agent_text)
    meant = news and overlap.voiced_ms >= settings.short_ms
    return Verdict.INTERRUPTION if meant or early else Verdict.BACKCHANNEL


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("’", "'"))


def _news(words: list[str], agent_text: str) -> list[str]:
    """The words that ask for something: neither a backchannel nor the agent's own."""
    rest = _words(_CHEERS.sub(" ", " ".join(words)))
    return [word for word in _not_echoed(rest, agent_text) if word not in _BACKCHANNELS]


def _not_echoed(words: list[str], agent_text: str) -> list[str]:
    """The words that are not the agent's own coming back, in its order; a command alone is never its echo."""
    own = _words(agent_text)[-ECHO_WORDS:]
    echo: set[int] = set()
    for start, _, size in SequenceMatcher(None, words, own, autojunk=False).get_matching_blocks():
        if size > 1 or (size == 1 and words[start] not in _COMMANDS):
            echo.update(range(start, start + size))
    return [word for i, word in enumerate(words) if i not in echo]
