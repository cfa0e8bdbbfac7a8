"""The caller's name: rules that hear it, and that hear the question for it."""

import re
from itertools import takewhile

from server.agent.demo import numbers, times
from server.agent.demo.decision import Decision, Request

_NOT_NAMES = frozenset(
    """
    is was the a an and not back on in at here looking calling by just so please called what my to for it that name good
    fine sorry well okay great trying going done very waiting happy tomorrow today when later
    where who why how can could would will do does did are i you we hello hi hey bye yes no
    about with regarding if as from of maybe around again up sometime
    yeah yep ya oh right sure hmm mhm thanks thank
    """.split()
)
"""What may come after "i am" and "my name is" and is no name."""


def asked(request: Request) -> Decision | None:
    """The caller asks for their own name, as in "do you know my name"."""
    asking = request.any("what", "know", "remember", "tell", "say", "said") or request.words[-1:] == ("name",)
    named = request.any("my") and request.any("name") and asking
    if named or request.has("who am i") or request.has("what am i called"):
        return Decision(tool="callers_name")
    return None


def told(request: Request) -> Decision | None:
    """The caller tells their name, as in "my name is anna", "call me anna" or "i am anna"."""
    text = " ".join(request.words)
    match = re.search(r"\b(?:name is|names|named|call me) ((?:[\w']+ ?){1,2})", text)
    match = match or re.fullmatch(r"(?:hello |hi )?(?:i am|this is|it is) ((?:[\w']+ ?){1,2})", text)
    if not match:
        return None
    name = list(takewhile(_may_be_name, match[1].split()))
    if not name or times.day(name):
        return None
    return Decision(tool="remember_name", args=(("name", " ".join(name)),))


def _may_be_name(word: str) -> bool:
    return word not in _NOT_NAMES and not numbers.is_number_word(word)
