"""Limits: how often one address may send requests that begin something, and wrong passwords. Pure."""

from collections import OrderedDict

from server.pace import Pace

REQUESTS_A_SECOND = 5.0
REQUESTS_AT_ONCE = 40
"""How many requests outside of calls one address may send: REGISTER, INVITE, MESSAGE, OPTIONS. Ten phones behind one
address that all come back at the same time send twenty."""
WRONG_A_SECOND = 0.1
WRONG_AT_ONCE = 10
"""How often credentials of one address may be wrong. After that none are looked at, until some seconds have passed."""
RETRY_AFTER_S = 10
MOST_ADDRESSES = 10_000
"""How many addresses are remembered. Those that were silent for longest are forgotten first."""


class Limits:
    """The limits of all addresses. "" is a program on this machine, which has none."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, Pace] = OrderedDict()
        self._wrong: OrderedDict[str, Pace] = OrderedDict()

    def admits_request(self, address: str, now_s: float) -> bool:
        """Count one more request. Returns whether it may be answered."""
        return not address or _pace(self._requests, address, REQUESTS_A_SECOND, REQUESTS_AT_ONCE).admits(now_s)

    def admits_guess(self, address: str, now_s: float) -> bool:
        """Whether credentials of this address are looked at now."""
        return not address or _pace(self._wrong, address, WRONG_A_SECOND, WRONG_AT_ONCE).admits(now_s, 0)

    def note_wrong(self, address: str, now_s: float) -> None:
        """The credentials were wrong."""
        if address:
            _pace(self._wrong, address, WRONG_A_SECOND, WRONG_AT_ONCE).reserve(now_s)


def _pace(known: OrderedDict[str, Pace], address: str, per_s: float, burst: float) -> Pace:
    pace = known.pop(address, None) or Pace(per_s, burst)
    known[address] = pace
    if len(known) > MOST_ADDRESSES:
        known.popitem(last=False)
    return pace
