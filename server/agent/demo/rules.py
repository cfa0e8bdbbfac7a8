"""The demo agent's mind: rules that decide what to say, or which tool to call, for what the caller said.

The rules look for content words, because the small words of a transcript are often wrong. Like a language model, they
see nothing but the texts of the call.
"""

import re
from collections.abc import Sequence

from server.agent.demo import errands, names, numbers, small_talk
from server.agent.demo.decision import Decision, Request, Rule
from server.agent.demo.words import words_of

_MEMORY = 12
"""How many utterances back the rules look for a question that is still open. No question stays open longer."""


def decide(said: Sequence[str], answered: str = "") -> Decision:
    """Decide about the last of `said`, the caller's utterances from the first to the newest.

    `answered` is the agent's last answer, as far as the caller heard it.
    """
    asked = None
    recent = said[-_MEMORY:]
    for place in range(len(recent) - 1):
        asked = _first(Request(words_of(recent[place]), asked, tuple(recent[:place]), "")).asks
    return _first(Request(words_of(recent[-1]), asked, tuple(said[:-1]), answered))


def _first(request: Request) -> Decision:
    """The decision of the first rule that has one. The last rule, the apology, always has one."""
    return next(found for rule in _RULES if (found := rule(request)) is not None)


def _silence(request: Request) -> Decision | None:
    """The caller said nothing that is a word."""
    if request.words:
        return None
    return Decision("Sorry, I did not hear you. Could you say that again?", asks=request.asked)


def _give_up(request: Request) -> Decision | None:
    """The caller does not want to answer the open question."""
    gives_up = request.has("never mind") or request.any("forget", "cancel") or request.words == ("no",)
    if request.asked is None or not gives_up:
        return None
    if request.any("cancel") and request.any("callback", "call", "order"):
        return None
    return Decision("All right, never mind.")


def _what_was_said(request: Request) -> Decision | None:
    """Say the caller's last utterance again, for "what did i just say"."""
    if not re.search(r"\bwhat (did|have|was) i\b.* (say|said|ask|asked|tell|told)|\bi just (say|said|ask|asked)\b",
                     " ".join(request.words)):  # fmt: skip
        return None
    if not request.said:
        return Decision("Nothing yet. This is the first that I hear from you.")
    return Decision(f"You said: {request.said[-1].strip().rstrip('.?!')}.", asks=request.asked)


def _repeat(request: Request) -> Decision | None:
    """Say the agent's last answer again, for "can you repeat that"."""
    if not (
        request.any("repeat", "pardon", "catch")
        or (request.any("again", "said") and request.any("say", "what", "said") and len(request.words) <= 7)
        or any(request.has(phrase) for phrase in ("what did you", "what was that", "once more", "one more time"))
    ):
        return None
    return Decision(request.answered or "I have not said anything yet. How can I help?", asks=request.asked)


def _apology(request: Request) -> Decision:
    """No rule understands the request: ask the open question again, or say what the agent can do."""
    if request.asked is None or (request.answered and "?" not in request.answered):
        return Decision(f"Sorry, I can't help with that. {small_talk.CAN_DO}", asks=request.asked)
    if request.asked.number is not None:
        return Decision(f"Sorry, did you mean {numbers.say_digits(request.asked.number)}?", asks=request.asked)
    if request.asked.topic == "order":
        return Decision("Sorry, I did not get that. What are the four digits of your order?", asks=request.asked)
    return Decision("Sorry, I did not get that. On which day, and at what time?", asks=request.asked)


_RULES: tuple[Rule, ...] = (
    _silence,
    errands.confirm,
    _give_up,
    _what_was_said,
    errands.do_sum,
    names.asked,
    names.told,
    errands.callback,
    errands.order,
    errands.opening_hours,
    small_talk.bye,
    _repeat,
    errands.clock,
    errands.hours_of_day,
    small_talk.who,
    small_talk.pleasantry,
    _apology,
)
"""In the order in which they are asked: the first one that has a decision wins."""
