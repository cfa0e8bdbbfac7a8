"""Limits: how many calls one caller may have, how fast, and which call gives way when all places are taken.

A caller counts by its address and by its name (the subject of its token); a program on this machine has neither. How
many calls a caller has is counted from the calls themselves, so the count cannot be wrong. What is remembered of
callers who have gone is bounded.

On a full server an empty call may give way to a newcomer: a half-open call, which has not connected, or a silent one,
whose caller was not noticed yet. So nobody can fill a server with empty calls for long. TCP treats half-open
connections in this way (RFC 4987). But the newest caller of a busy hour has not said anything yet either. So an empty
call is safe for a while, if it is its caller's only one and the one before was not empty.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.pace import Pace
from server.settings_group import SettingsGroup

HALF_OPEN_S = 5.0
"""How long a half-open call keeps its place on a full server. A call connects in less than a second, and over a relay
far away in about five."""
DOUBT_S = 600.0
"""How long a caller whose last call was empty is remembered. Until then its next empty call gives way at once."""
MOST_KNOWN = 10_000
"""How many addresses and names are remembered for their pace, and for an empty call. That is 5 MB at most."""


_ADDRESS, _NAME = "address ", "name "
"""What a caller counts by begins with one of these."""


class CallerLimits(SettingsGroup):
    """How many calls one caller may have, and how fast they may come. A caller counts by its address and, with a token,
    by its name, too. IPv6 addresses count by their /64 network. A program on the server's own machine has no address
    here, if no proxy is trusted.
    """

    title: ClassVar[str] = "Callers: how many calls, and how fast"

    per_address: NonNegativeInt = 0
    """Calls that one address may have at the same time. 0 is half of ANTIPHON_MAX_CALLS, so that one address never
    fills the server. Raise it if many of your callers share an address, as in an office."""
    per_name: PositiveInt = 4
    """Calls that one name may have at the same time, if its token does not say how many."""
    half_open: PositiveInt = 4
    """Calls of one address, or of one name, that may be about to connect at the same time. A page has one, and people
    who share an address seldom call in the same second."""
    per_s: PositiveFloat = 2.0
    """How often in a second one address, or one name, may begin, resume or move a call, over a longer time. A page
    whose connection breaks again and again does so about once a second."""
    burst: PositiveInt = 20
    """How many times it may do so at once, after a rest. People who share an address may call at the same moment."""
    silent_s: PositiveFloat = 20.0
    """Seconds after which a call whose caller has not said or typed anything may give way to a newcomer, on a full
    server. By then the agent has greeted the caller, and has asked whether anybody is there. A call that gives way can
    be resumed."""


class Stage(Enum):
    """How far a call is, and whether its caller was noticed."""

    HALF_OPEN = "half_open"
    """It has not connected yet."""
    SILENT = "silent"
    """It is connected, but its caller has not said, typed or pressed anything yet."""
    LIVE = "live"
    DETACHED = "detached"
    """It has lost its connection, and waits for another one."""
    ENDED = "ended"
    """It is over, but something of it goes on, such as a tool that does not stop."""


@dataclass(frozen=True, slots=True)
class Held:
    """A place that is taken, and by whom."""

    id: str
    caller: Caller
    stage: Stage
    since_s: float
    """When it was opened, or when it lost its connection. Seconds of the clock that `Limits` is told."""

    @property
    def empty(self) -> bool:
        """No caller was noticed in it."""
        return self.stage in (Stage.HALF_OPEN, Stage.SILENT)


class Limits:
    """Judges every newcomer. `now_s` is the time of any steady clock, in seconds."""

    def __init__(self, settings: CallerLimits, places: int) -> None:
        """`places`: how many calls the server takes."""
        self.places = places
        self._settings = settings
        self._per_address = settings.per_address or max(1, places // 2)
        self._paces: OrderedDict[str, tuple[Pace, float]] = OrderedDict()
        """The pace of each address and name, and when it was used last; the one that was used last is at the end."""
        self._others = self._new_pace()
        """The one pace of all callers who cannot be remembered because there are too many."""
        self._doubts: OrderedDict[str, float] = OrderedDict()
        """When the last call of an address or a name ended, if it was empty. The newest is at the end."""

    def admits_offer(self, caller: Caller, now_s: float) -> bool:
        """Count one more request to begin, resume or move a call. False if the caller sends them too fast."""
        admitted = [self._pace(key, now_s).admits(now_s) for key in _keys(caller)]
        return all(admitted)

    def find_room(self, caller: Caller, held: Sequence[Held], now_s: float) -> Held | Refusal | None:
        """Which call gives way to a new one of this caller; None: there is room without that. Or why it is refused."""
        own_way: list[Held] | None = None
        for key, limit, refusal in self._limits_of(caller):
            theirs = [other for other in held if key in _keys(other.caller) and other.stage is not Stage.ENDED]
            if sum(other.stage is Stage.HALF_OPEN for other in theirs) >= self._settings.half_open:
                return Refusal.HALF_OPEN_LIMIT
            if len(theirs) >= limit:
                waiting = [other for other in theirs if other.stage is Stage.DETACHED]
                own_way = waiting if own_way is None else [other for other in own_way if other in waiting]
                if not own_way:
                    return refusal
        if own_way:
            return min(own_way, key=lambda other: other.since_s)
        if len(held) < self.places:
            return None
        if self._had_empty_call(caller, now_s):
            return Refusal.FULL  # or callers who fill the server with empty calls would replace each other for ever
        return self._first_to_go(held, now_s) or Refusal.FULL

    def note_end(self, caller: Caller, empty: bool, now_s: float) -> None:
        """A call of this caller is over. `empty`: the caller was not noticed in it."""
        for key in _keys(caller):
            self._doubts.pop(key, None)
            if empty:
                self._doubts[key] = now_s
        while self._doubts and (len(self._doubts) > MOST_KNOWN or now_s - next(iter(self._doubts.values())) > DOUBT_S):
            self._doubts.popitem(last=False)

    def _limits_of(self, caller: Caller) -> Iterator[tuple[str, int, Refusal]]:
        """What the caller counts by, how many calls may have that in common, and the refusal of one more."""
        for key in _keys(caller):
            if key.startswith(_ADDRESS):
                yield key, self._per_address, Refusal.ADDRESS_LIMIT
            else:
                most = self._settings.per_name if caller.max_calls is None else caller.max_calls
                yield key, most, Refusal.NAME_LIMIT

    def _first_to_go(self, held: Sequence[Held], now_s: float) -> Held | None:
        """The call that gives way to a newcomer on a full server. None: all of them stay."""
        ranks = {call.id: rank for call in held if (rank := self._rank(call, held, now_s)) is not None}
        return min((call for call in held if call.id in ranks), key=lambda c: (ranks[c.id], c.since_s), default=None)

    def _rank(self, call: Held, held: Sequence[Held], now_s: float) -> int | None:
        """In which order calls give way, the lowest first. None: this one stays.

        A call that is waited for goes before a silent one that is connected, because nobody listens to it.
        """
        age_s = now_s - call.since_s
        match call.stage:
            case Stage.ENDED:
                return 0
            case Stage.HALF_OPEN if age_s >= HALF_OPEN_S or self._doubtful(call, held, now_s):
                return 1
            case Stage.SILENT if self._doubtful(call, held, now_s):
                return 1
            case Stage.DETACHED:
                return 2
            case Stage.SILENT if age_s >= self._settings.silent_s:
                return 3
        return None

    def _doubtful(self, call: Held, held: Sequence[Held], now_s: float) -> bool:
        """Whether the caller of an empty call has another empty one, or had one last."""
        keys = set(_keys(call.caller))
        several = any(other is not call and other.empty and keys & set(_keys(other.caller)) for other in held)
        return several or self._had_empty_call(call.caller, now_s)

    def _had_empty_call(self, caller: Caller, now_s: float) -> bool:
        return any(now_s - self._doubts.get(key, -DOUBT_S) < DOUBT_S for key in _keys(caller))

    def _pace(self, key: str, now_s: float) -> Pace:
        """The pace of an address or a name. Those that are as good as new are forgotten first."""
        rested_s = self._settings.burst / self._settings.per_s
        while self._paces and now_s - next(iter(self._paces.values()))[1] > rested_s:
            self._paces.popitem(last=False)
        if key not in self._paces and len(self._paces) >= MOST_KNOWN:
            return self._others
        pace, _ = self._paces.pop(key, (None, 0.0))
        pace = pace or self._new_pace()
        self._paces[key] = (pace, now_s)
        return pace

    def _new_pace(self) -> Pace:
        return Pace(self._settings.per_s, self._settings.burst)


def _keys(caller: Caller) -> tuple[str, ...]:
    """What the caller counts by."""
    address = (_ADDRESS + caller.address,) if caller.address else ()
    return (*address, _NAME + caller.name) if caller.name else address
