"""Places: which sessions have the places of this process, who may have another one, and who gives way to it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.desk.limits import Held, Limits, Stage
from server.call.session import Session
from server.errors import AtCapacity, TooMany

RETRY_AFTER_S = 5
"""When a refused caller should try again. A call lasts for minutes, but on a full server one ends every few seconds."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    session: Session
    since_s: float
    """When the session was made, or had its first connection."""
    connected: bool = False
    """It has had a connection."""


class Places:
    """The places of one process. Needs a running event loop."""

    def __init__(self, limits: Limits, overload: Callable[[], Refusal | None]) -> None:
        """`overload` tells why new calls are refused although there are places left; None: they are not."""
        self.draining = False
        """All new calls are refused."""
        self.refused = Counter[Refusal]()
        self.gave_way = Counter[Stage]()
        """The calls that have given way to another one, by how far they were."""
        self.all_free = asyncio.Event()
        self.all_free.set()
        self._limits = limits
        self._overload = overload
        self._now = asyncio.get_running_loop().time
        self._places: dict[str, _Place] = {}
        self._kept: list[Held] = []
        """The places that are kept for sessions which are still to be made."""

    def __len__(self) -> int:
        return len(self._places)

    def get(self, session_id: str) -> Session | None:
        place = self._places.get(session_id)
        return place.session if place is not None else None

    @property
    def sessions(self) -> list[Session]:
        return [place.session for place in self._places.values()]

    @property
    def detached(self) -> list[Session]:
        """The sessions that have lost their connection and wait for another one."""
        return [session for session in self.sessions if session.absence.since_s is not None]

    # Who may have a place

    def refusal(self) -> Refusal | None:
        """Why this server takes no calls now; None: it takes calls.

        Only calls whose caller was noticed fill it. All others give way to a newcomer, if not at once, then soon.
        """
        if self.draining:
            return Refusal.DRAINING
        if sum(held.stage is Stage.LIVE for held in self._held) >= self._limits.places:
            return Refusal.FULL
        return self._overload()

    def pace(self, caller: Caller) -> None:
        """Count one more request to begin, resume or move a call. Raises TooMany if this caller sends too many."""
        if not self._limits.admits_offer(caller, self._now()):
            self._refuse(Refusal.TOO_FAST)

    def judge(self, caller: Caller) -> Held | None:
        """Which call gives way to a new call of this caller; None: no call has to.

        Raises AtCapacity and TooMany if the new call has to be refused now.
        """
        room = self.refusal() or self._limits.find_room(caller, self._held, self._now())
        if isinstance(room, Refusal):
            self._refuse(room)
        return room

    @contextmanager
    def keep(self, caller: Caller) -> Iterator[None]:
        """Keep a place for this caller while the block runs. Another call may have to give way for it.

        Raises AtCapacity and TooMany.
        """
        if (held := self.judge(caller)) is not None:
            self._give_way(held)
        place = Held("", caller, Stage.LIVE, self._now())
        self._kept.append(place)
        try:
            yield
        finally:
            self._kept.remove(place)

    def _refuse(self, refusal: Refusal) -> NoReturn:
        self.refused[refusal] += 1
        error = TooMany if refusal.of_caller else AtCapacity
        raise error(refusal.sentence, RETRY_AFTER_S)

    # Who has a place

    def take(self, session: Session) -> None:
        """Give the session a place. It was kept for its caller."""
        self._places[session.id] = _Place(session, self._now())
        self.all_free.clear()

    def connect(self, session: Session) -> None:
        """The session has a connection, perhaps its first one."""
        place = self._places[session.id]
        if not place.connected:
            place.connected, place.since_s = True, self._now()

    def leave(self, session: Session) -> None:
        """The session is over: its place is free, if it still had one."""
        if self.get(session.id) is session:
            self._free(session)
        if not self._places:
            self.all_free.set()

    def _give_way(self, held: Held) -> None:
        """Free the place of a session. A caller who is connected, or will be back, goes on from the store."""
        session = self._places[held.id].session
        self.gave_way[held.stage] += 1
        log.info("- call %s (%s) gives way to a new one", session.id, held.stage.value)
        self._free(session)
        if held.stage is Stage.HALF_OPEN:
            session.end()
            session.over.set()
        elif held.stage is not Stage.ENDED:
            session.move()

    def _free(self, session: Session) -> None:
        del self._places[session.id]
        self._limits.note_end(session.caller, session.silent, self._now())

    @property
    def _held(self) -> list[Held]:
        """Who has the places, and for whom they are kept."""
        return [*map(_describe, self._places.values()), *self._kept]


def _describe(place: _Place) -> Held:
    session, stage, since_s = place.session, Stage.LIVE, place.since_s
    if session.ended:
        stage = Stage.ENDED
    elif not place.connected:
        stage = Stage.HALF_OPEN
    elif session.absence.since_s is not None:
        stage, since_s = Stage.DETACHED, session.absence.since_s
    elif session.silent:
        stage = Stage.SILENT
    return Held(session.id, session.caller, stage, since_s)
