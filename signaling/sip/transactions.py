"""Transactions: which request of a connection was answered with what (RFC 3261, section 17). Pure.

A WebSocket loses nothing, so no timer of a lossy network is needed. A request that comes twice gets the answer of the
first time.
"""

from collections import OrderedDict
from dataclasses import dataclass

from signaling.sip.message import Request

KEPT_S = 32.0
"""How long an answer is kept: 64 times T1, after which no side waits for anything any more."""
MOST = 128
"""How many answers a connection keeps. The oldest are forgotten first."""


@dataclass(slots=True)
class _Transaction:
    since_s: float
    answer: str = ""


class Transactions:
    """The requests of one connection of the last half minute."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Transaction] = OrderedDict()
        self._asked: OrderedDict[tuple[str, str, int, str], tuple[str, float]] = OrderedDict()
        """From tag, Call-ID, CSeq and method of requests outside of dialogs, and the branch on which each came, and
        when."""

    def again(self, request: Request, now_s: float) -> str | None:
        """Begin the transaction of a request. Returns what was answered if it has come before ("" is nothing yet)."""
        while self._known and now_s - next(iter(self._known.values())).since_s > KEPT_S:
            self._known.popitem(last=False)
        key = request.branch, request.method
        if (known := self._known.get(key)) is not None:
            return known.answer
        self._known[key] = _Transaction(now_s)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return None

    def merged(self, request: Request, now_s: float) -> bool:
        """Whether a request outside of a dialog has come before by another way (RFC 3261, section 8.2.2.2). One that
        was refused may be tried again: some phones bring their credentials under the same number."""
        key = _known_by(request)
        if key in self._asked and now_s - self._asked[key][1] > KEPT_S:
            del self._asked[key]
        first, _ = self._asked.setdefault(key, (request.branch, now_s))
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
        return first != request.branch

    def answered(self, request: Request, answer: str) -> None:
        """Keep the newest answer to a request."""
        if (known := self._known.get((request.branch, request.method))) is not None:
            known.answer = answer
        if answer[8:11] >= "300" and self._asked.get(_known_by(request), ("", 0))[0] == request.branch:
            del self._asked[_known_by(request)]

    def has(self, branch: str, method: str) -> bool:
        return (branch, method) in self._known


def _known_by(request: Request) -> tuple[str, str, int, str]:
    return request.from_tag, request.call_id, request.cseq, request.method
