"""The demo agent's mind: what a caller said → what to say, or which tool to call.

It keys on content words, because the small words of a transcript are often wrong, and it sees nothing but the texts of
the call, as a language model would.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from server.agent.demo import numbers, shop, sums, times
from server.agent.demo.words import words_of

Topic = Literal["order", "callback"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the agent still waits for: the number of an order, or the day and time of a callback."""

    topic: Topic
    day: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Say `text`, then call `tool` if there is one and speak what it returns; `asks` is what the agent waits for."""

    text: str = ""
    tool: str | None = None
    args: tuple[tuple[str, str | int], ...] = ()
    asks: Asked | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance, and what came before it."""

    words: tuple[str, ...]
    asked: Asked | None
    said: tuple[str, ...]
    """What the caller said before, oldest first."""
    answered: str
    """The agent's last answer, as far as the caller heard it."""

    def any(self, *words: str) -> bool:
        return not set(words).isdisjoint(self.words)

    def has(self, phrase: str) -> bool:
        return f" {phrase} " in f" {' '.join(self.words)} "


Rule = Callable[[Heard], Answer | None]

CAN_DO = "I can look up an order, tell you our opening hours, book a callback, or do a sum."
_ASK_NUMBER = Answer("Sure. What is your order number?", asks=Asked("order"))
_MEMORY = 12
"""How many utterances back an open question is looked for; none stays open longer."""


def answer(said: Sequence[str], answered: str = "") -> Answer:
    """Answer the last of `said`, the caller's utterances from the first to the newest."""
    asked = None
    recent = said[-_MEMORY:]
    for place in range(len(recent) - 1):
        asked = _answer(Heard(words_of(recent[place]), asked, tuple(recent[:place]), "")).asks
    return _answer(Heard(words_of(recent[-1]), asked, tuple(said[:-1]), answered))


def _answer(heard: Heard) -> Answer:
    return next(found for rule in _RULES if (found := rule(heard)) is not None)


def _silence(heard: Heard) -> Answer | None:
    return None if heard.words else Answer("Sorry, I did not hear you. Could you say that again?", asks=heard.asked)


def _give_up(heard: Heard) -> Answer | None:
    if heard.asked is None or not (heard.has("never mind") or heard.any("forget", "cancel") or heard.words == ("no",)):
        return None
    if heard.any("cancel") and heard.any("callback", "call", "order"):
        return None
    return Answer("All right, never mind.")


def _what_was_said(heard: Heard) -> Answer | None:
    if not re.search(r"\bwhat (did|have|was) i\b.* (say|said|ask|asked|tell|told)|\bi just (say|said|ask|asked)\b",
                     " ".join(heard.words)):  # fmt: skip
        return None
    if not heard.said:
        return Answer("Nothing yet. This is the first that I hear from you.")
    return Answer(f"You said: {heard.said[-1].strip().rstrip('.?!')}.", asks=heard.asked)


def _repeat(heard: Heard) -> Answer | None:
    if not (
        heard.any("repeat", "pardon", "catch")
        or (heard.any("again", "said") and heard.any("say", "what", "said") and len(heard.words) <= 7)
        or any(heard.has(phrase) for phrase in ("what did you", "what was that", "once more", "one more time"))
    ):
        return None
    return Answer(heard.answered or "I have not said anything yet. How can I help?", asks=heard.asked)


def _sum(heard: Heard) -> Answer | None:
    found = sums.parse(heard.words)
    if found is None:
        return None
    return Answer(tool="calculate", args=(("left", found.left), ("operator", found.operator), ("right", found.right)))


def _name_asked(heard: Heard) -> Answer | None:
    asking = heard.any("what", "know", "remember", "tell", "say", "said") or heard.words[-1:] == ("name",)
    if (heard.any("my") and heard.any("name") and asking) or heard.has("who am i") or heard.has("what am i called"):
        return Answer(tool="callers_name")
    return None


_NOT_NAMES = {
    *("is", "was", "the", "a", "an", "and", "not", "back", "on", "in", "at", "here", "looking", "calling", "by"),
    *("just", "so", "please", "called", "what", "my", "to", "for", "it", "that", "name", "good", "fine", "sorry"),
    *(
        "well",
        "ok",
        "great",
        "trying",
        "going",
        "done",
        "very",
        "waiting",
        "happy",
        "tomorrow",
        "today",
        "when",
        "later",
    ),
}


def _name_told(heard: Heard) -> Answer | None:
    text = " ".join(heard.words)
    match = re.search(r"\b(?:name is|names|named|call me) ((?:\w+ ?){1,2})", text)
    match = match or re.fullmatch(r"(?:hello |hi )?(?:i am|this is|it is) ((?:\w+ ?){1,2})", text)
    if not match:
        return None
    name = [word for word in match[1].split() if word not in _NOT_NAMES and not numbers.is_number_word(word)]
    if not name or match[1].split()[0] in _NOT_NAMES or times.day(name):
        return None
    return Answer(tool="remember_name", args=(("name", " ".join(name)),))


def _callback(heard: Heard) -> Answer | None:
    named = heard.any("callback", "callbacks", "appointment") or (
        heard.any("call", "calling", "ring", "phone") and heard.any("back", "me", "somebody", "someone")
    )
    named = named or heard.has("me back")  # whatever the verb was heard as
    if heard.any("cancel") and (named or not heard.any(*_ORDER_WORDS)):
        return Answer(tool="cancel_callback")
    if heard.asked and heard.asked.topic == "callback":
        named = named or times.day(heard.words) is not None or times.parse(heard.words) is not None
        named = named and not heard.any(*_HOURS_WORDS, *_ORDER_WORDS)
    if not named:
        return None
    if heard.any("when", "which", "booked") and not heard.any("book"):
        return Answer(tool="booked_callback")
    return _book(heard)


def _book(heard: Heard) -> Answer:
    before = heard.asked if heard.asked and heard.asked.topic == "callback" else Asked("callback")
    at = times.parse(heard.words)
    asked = Asked("callback", times.day(heard.words) or before.day, f"{at:%H:%M}" if at else before.at)
    if asked.day is None and asked.at is None:
        return Answer("Sure. Which day, and at what time?", asks=asked)
    if asked.day is None:
        return Answer("All right. On which day?", asks=asked)
    if asked.at is None:
        return Answer("All right. At what time?", asks=asked)
    return Answer("All right. ", tool="book_callback", args=(("day", asked.day), ("at", asked.at)))


_ORDER_WORDS = ("order", "orders", "ordered", "older", "parcel", "package", "delivery", "shipment", "tracking")


def _order(heard: Heard) -> Answer | None:
    named = heard.any(*_ORDER_WORDS)
    waited = heard.asked is not None and heard.asked.topic == "order"
    digits = numbers.digits(heard.words, shop.ORDER_DIGITS)
    bare = bool(digits) and all(_in_a_number(word) for word in heard.words)
    if len(digits) == shop.ORDER_DIGITS and (named or waited or not heard.any(*_HOURS_WORDS, "time")):
        return Answer("Let me look. ", "order_status", (("number", digits),), asks=Asked("order"))
    if digits and (named or waited or bare):
        said = numbers.say_digits(digits[:8])
        return Answer(f"I heard {said}. An order number has four digits. What is yours?", asks=Asked("order"))
    if named and heard.any("new", "place", "buy"):
        return Answer("Sorry, I cannot take new orders. Shall we call you back?", asks=Asked("callback"))
    return _ASK_NUMBER if named else None


def _in_a_number(word: str) -> bool:
    return numbers.is_number_word(word) or word in (
        "for",
        "to",
        "too",
        "ate",
        "double",
        "triple",
        "and",
        "it",
        "is",
        "um",
    )


_HOURS_WORDS = ("open", "opens", "opened", "opening", "close", "closes", "closed", "closing", "shut", "hours")


def _hours(heard: Heard) -> Answer | None:
    if not heard.any(*_HOURS_WORDS):
        return None
    day = times.day(heard.words)
    if heard.any("weekend", "weekends"):
        day = "weekend"
    elif heard.any("now", "still", "currently", "moment") or heard.words[:4] == ("are", "you", "open", "yet"):
        day = "now"
    elif day is None:
        day = "now" if heard.words in (("are", "you", "open"), ("are", "you", "closed")) else "week"
    return Answer(tool="opening_hours", args=(("day", day),))


def _day(heard: Heard) -> Answer | None:
    """ "and on friday": with nothing else asked, a day means its opening hours."""
    day = times.day(heard.words)
    if day is None or len(heard.words) > _SHORT_WORDS or times.parse(heard.words):
        return None
    return Answer(tool="opening_hours", args=(("day", day),))


def _clock(heard: Heard) -> Answer | None:
    if heard.any("time", "clock"):
        return Answer(tool="current_time")
    if heard.any("date") or heard.has("what is today") or (heard.any("day") and heard.any("what", "which", "today")):
        return Answer(tool="current_date")
    return None


_LEAVING = (
    *("hang up", "that is all", "that will be all", "that is everything", "that is it", "nothing else", "i am done"),
    *("end the call", "end call", "finish the call", "see you", "have a nice day", "have a good day", "good night"),
)


def _bye(heard: Heard) -> Answer | None:
    leaving = heard.any("bye", "farewell") or any(heard.has(phrase) for phrase in _LEAVING)
    return Answer(tool="hang_up") if leaving else None


def _who(heard: Heard) -> Answer | None:
    """ "who are you" has no content word: it is told by having nothing else."""
    if "you" not in heard.words or not {"who", "are", "you", "and"}.issuperset(heard.words):
        return None
    return Answer(f"I am the front desk of {shop.NAME}. {CAN_DO}", asks=heard.asked)


def _small_talk(heard: Heard) -> Answer | None:
    for phrases, text in _SMALL_TALK + (_SHORT_TALK if len(heard.words) <= _SHORT_WORDS else ()):
        if any(heard.has(phrase) for phrase in phrases):
            return Answer(text, asks=heard.asked)
    return None


_SMALL_TALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("thank", "thanks", "cheers", "very much"), "You're welcome. Is there anything else?"),
    (("can you hear", "do you hear", "hear me", "are you there"), "Yes, I can hear you."),
    (
        ("robot", "human", "machine", "computer", "person", "bot", "real"),
        "I am a program, the shop's front desk. " + CAN_DO,
    ),
    (("your name", "who is this", "am i speaking"), f"I am the front desk of {shop.NAME}. " + CAN_DO),
    (
        ("can you do", "you do", "help", "how does this work", "what can i", "question", "ask you"),
        f"Of course. {CAN_DO}",
    ),
    (("where are you", "address", "where is", "find you", "located"), f"We are at {shop.ADDRESS}."),
    (("how are you", "how is it going"), "Very well, thank you. How can I help?"),
    (("someone", "somebody", "speak to", "talk to"), "Nobody is free right now. Shall I book a callback?"),
)
_SHORT_WORDS = 4
"""Beside more words, "please" or "no" is not what was meant."""
_SHORT_TALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("hold on", "wait", "moment", "second", "hang on"), "Of course. Take your time."),
    (("stop", "be quiet", "enough"), "All right. I am listening."),
    (("sorry", "never mind", "forget it"), "No problem. How can I help?"),
    (("hello", "hi", "hey", "good morning", "good afternoon", "good evening"), "Hello. How can I help?"),
    (("yes", "yeah", "yep", "sure", "ok", "right", "please"), "All right. What can I do for you?"),
    (("no", "nope", "not really"), "All right. Just say goodbye when you are done."),
    (
        ("uh huh", "mhm", "mm hm", "hm", "i see", "got it", "great", "good", "really", "of course", "alright", "oh"),
        "Good. What else can I do for you?",
    ),
)


def _apology(heard: Heard) -> Answer:
    if heard.asked is None or (heard.answered and "?" not in heard.answered):
        return Answer(f"Sorry, I can't help with that. {CAN_DO}", asks=heard.asked)
    if heard.asked.topic == "order":
        return Answer("Sorry, I did not get that. What are the four digits of your order?", asks=heard.asked)
    return Answer("Sorry, I did not get that. On which day, and at what time?", asks=heard.asked)


_RULES: tuple[Rule, ...] = (
    *(_silence, _give_up, _what_was_said, _sum, _name_asked, _name_told, _callback, _order, _hours),
    *(_bye, _repeat, _clock, _day, _who, _small_talk, _apology),
)
