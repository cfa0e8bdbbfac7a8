"""Is the person done? Silence × completeness of what was said → how much silence is enough.

A sentence that sounds finished needs a short silence; one that stops at "and", "my" or in the middle of a number needs
a long one. The judgement is of words, not of sound, so it works with any speech-to-text, punctuated or not.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Completeness(Enum):
    NOTHING = "nothing"  # no words yet
    COMPLETE = "complete"  # could well be all
    SINGLE = "single"  # one word: an answer, or the first of a sentence
    NUMBER = "number"  # ends in a number that may go on
    OPEN = "open"  # cannot be all


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Silences in ms after which an utterance is over, by how complete its words look."""

    prepare_ms: int = 120
    """After this the answer is prepared, unheard: half of the shortest wait, longer than a stop consonant (~100 ms)."""
    complete_ms: int = 280
    """Pauses inside sentences are mostly shorter (median ~200 ms); a person waits ~200 ms between turns."""
    single_ms: int = 400
    """"Yes" is an answer, "well" is a beginning."""
    number_ms: int = 700
    """People group digits with pauses of up to ~500 ms."""
    open_ms: int = 1_200
    """Who stops at "and" is thinking; longer than this feels like a dead line."""
    nothing_ms: int = 600
    """No words in so much sound: wait for speech-to-text to catch up, then give up."""
    asked_ms: int = 250
    """Added while the agent waits for something that it asked for: people look things up."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The silence that is being judged."""

    text: str
    """The transcript so far."""
    asked: bool = False
    """The agent's last sentence was a question."""
    usual_pause_ms: float = 0
    """How long this person's pauses inside utterances have been, typically; 0 while unknown."""


def enough_silence_ms(pause: Pause, settings: EndpointSettings) -> float:
    """The silence in ms after which the utterance is over."""
    kind = completeness(pause.text)
    wait: float = {
        Completeness.NOTHING: settings.nothing_ms,
        Completeness.COMPLETE: settings.complete_ms,
        Completeness.SINGLE: settings.single_ms,
        Completeness.NUMBER: settings.number_ms,
        Completeness.OPEN: settings.open_ms,
    }[kind]
    if pause.asked and kind in (Completeness.NUMBER, Completeness.OPEN):
        wait += settings.asked_ms
    if kind is not Completeness.OPEN:
        wait = max(wait, min(pause.usual_pause_ms * 1.25, settings.number_ms))
    return wait


_WORD = re.compile(r"[\w']+")
_NUMBERS = frozenset(
    "oh zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred double triple".split()
)
_OPEN_ENDS = frozenset(
    "a an the and or but so because if when while that than of to for from with at in on by about as into my your his "
    "her our their its is are was were am be been i i'm i'd i'll i've we they he she it's who whose which what's can "
    "could would will shall should may might must do does did have has had not very um uh er erm hmm well plus minus "
    "times divided equals actually maybe also then".split()
)
_WHOLE_ENDS = re.compile(
    r"\b(what (is|was|were|are) (it|that|they)|who (is|was|are) (it|that|you)|(how|where|what|who) (am i|i am)"
    r"|(yes|no) (i|it|that|they|we) (is|was|are|were|am|do|does|did|have|has|had|can|could|will|would)"
    r"|(what|where|who) (do|does|did|can|could) (i|you|we|they) (do|have)|as well|oh well|come in|go on|hold on"
    r"|bye then)$"
)


def completeness(text: str) -> Completeness:
    """How finished `text` looks; closing punctuation decides where the engine writes any."""
    words = _WORD.findall(text.lower())
    if not words:
        return Completeness.NOTHING
    last = words[-1]
    if text.rstrip().endswith(("...", "…", ",", "-", ":")):
        return Completeness.OPEN
    if last in _OPEN_ENDS and not _WHOLE_ENDS.search(" ".join(words)):
        return Completeness.OPEN
    if last in _NUMBERS or last.isdigit():
        return Completeness.NUMBER if not text.rstrip().endswith(("?", "!")) else Completeness.COMPLETE
    if text.rstrip().endswith((".", "?", "!")):
        return Completeness.COMPLETE
    return Completeness.SINGLE if len(words) == 1 else Completeness.COMPLETE
