"""Completeness: how finished a sentence looks, by its last words. It works with punctuation and without."""

from enum import Enum

from server.call.turns.lexicon.english import ENGLISH
from server.words import spoken, words_of


class Completeness(Enum):
    NOTHING = "nothing"  # no words yet
    COMPLETE = "complete"  # may well be the whole sentence
    SINGLE = "single"  # one word: a whole answer, or the first word of a sentence
    NUMBER = "number"  # ends in a number or a spelled letter, which may go on
    OPEN = "open"  # cannot be the whole sentence


def asks_for_number(agent_text: str) -> bool:
    """Whether the agent asks for a number at the end of `agent_text`."""
    return ENGLISH.asks_for_number.search(agent_text.lower()) is not None


def heard_as_question(text: str) -> bool:
    """Whether speech-to-text has put a question mark at the end."""
    return text.rstrip().endswith("?")


def asks(text: str) -> bool:
    """Whether the words are a question. A voice may rise at its end as it does in a pause, and then tells nothing."""
    return heard_as_question(text) or asks_yes_or_no(text) or ENGLISH.asks_what.match(_plain(text)) is not None


def asks_yes_or_no(text: str) -> bool:
    """Whether `text` is a question that is answered by yes or no. Callers' voices rise at its end, as in a pause."""
    said = _plain(text)
    asked = [question.start() for question in ENGLISH.asks_yes_or_no.finditer(said)]
    return bool(asked) and not any(
        found.start() <= asked[-1] < found.end() for found in ENGLISH.asks_for_more.finditer(said)
    )


def announces(text: str) -> bool:
    """Whether the words end by saying that more is to come, as "can you help me" and "i have a question" do."""
    return ENGLISH.announces.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return " ".join(spoken(text))


_LOOK_BACK = 16
"""How many words from the end are examined. So a story takes no longer to judge than a sentence."""
_CLOSERS = " \t\r\n\"')]»”"
"""What may stand after the last punctuation mark of a sentence."""


def completeness(text: str) -> Completeness:
    """How finished `text` looks, by its last words, and by the punctuation if the engine writes any."""
    words = spoken(text)
    if not words:
        return Completeness.NOTHING
    said, last, marked = " ".join(words[-_LOOK_BACK:]), words[-1], text.rstrip(_CLOSERS)
    if len(words) > _LOOK_BACK:
        said = f"… {said}"
    if marked.endswith(("...", "…", ",", "-", "–", "—", ":", ";")) or (
        last in ENGLISH.open_endings and ENGLISH.open_endings[last].match(said)
    ):
        return Completeness.OPEN
    if last.isdecimal() or last in ENGLISH.numbers - ENGLISH.ambiguous_numbers or ENGLISH.more_figures.match(said):
        return Completeness.COMPLETE if marked.endswith(("?", "!")) else Completeness.NUMBER
    return Completeness.SINGLE if len(words) == 1 and not marked.endswith(("?", "!")) else Completeness.COMPLETE


def ends_in_whole_number(text: str, digits: int) -> bool:
    """Whether the number at the end is complete.

    It is when it has all its `digits` (0: their number differs), or when its place says that it has few, as in "at ten"
    and "seven times eight".
    """
    if has_all_digits(text, digits):
        return True
    return ENGLISH.lone_figure.search(" ".join(spoken(text))) is not None


def has_all_digits(text: str, digits: int) -> bool:
    """Whether the text ends in a number that has all its `digits`; never where their number differs (0)."""
    return digits > 0 and _digits_at_end(text) == digits


def _digits_at_end(text: str) -> int:
    """How many digits the number at the end has. "four two seven one", "forty two seventy one" and 4271 have 4."""
    count, after = 0, ""
    for word in reversed(words_of(text)):
        if word.isdigit():
            count += len(word)
        elif word in ENGLISH.tens:
            count += 1 if after in ENGLISH.units else 2
        elif word in ENGLISH.teens:
            count += 2
        elif word in ENGLISH.figures | ENGLISH.numbers:
            count += 1
        elif word != "point":  # engines also write 427.1
            break
        after = word
    return count
