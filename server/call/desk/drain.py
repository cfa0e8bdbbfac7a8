"""Drain: what becomes of the calls of a server that stops. They end, or move to another server."""

import asyncio
from contextlib import suppress
from typing import Protocol

from server.call.desk.places import Places
from server.call.session import Session

STEP_S = 0.1
"""How often a server that is stopping looks for calls that it can move before the deadline."""
QUIET_S = 0.5
"""How long nobody has to have spoken before a call moves. Then the sound that is on its way has been heard, too."""
ENDING_S = 2.0
"""How long the end of sessions is waited for. It takes milliseconds, unless a tool does not stop. The agent's hooks
have as long after that, or until the deadline if that is later."""


class Elsewhere(Protocol):
    """Other servers, which take calls before the deadline."""

    async def look(self) -> None:
        """Find out how many calls they take now. May take 2 s."""

    def takes(self, conversation_id: str) -> bool:
        """Whether this call may move now: there is room for it, and all that was said in it is in the store."""


async def drain(places: Places, deadline_s: float, put_away: bool, elsewhere: Elsewhere | None) -> None:
    """Refuse new calls and let the present ones go on until the deadline. Then move the rest to another server.

    With `put_away` a session that waits for a connection ends at once, unless a reply is being made in it: its caller
    goes on from the store. Use False where the store ends with this process; then such a session waits for its caller
    until the deadline, too, and the calls that are left then are over.

    Give `elsewhere` if there are other servers. Then each call moves there as soon as it is quiet and they take it.
    """
    places.draining = True
    quiet = _Quiet()
    with suppress(TimeoutError):
        async with asyncio.timeout(deadline_s) as limit:
            while len(places) and not limit.expired():  # a store's client may swallow the cancellation
                if put_away:
                    _put_away(places)
                if elsewhere is not None:
                    await elsewhere.look()
                    for session in quiet.find(places.sessions):
                        if elsewhere.takes(session.id):
                            session.move()
                with suppress(TimeoutError):
                    async with asyncio.timeout(STEP_S):
                        await places.all_free.wait()
    if len(places):
        for session in places.sessions:
            session.move(goes_on=put_away)
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING_S):
                await places.all_free.wait()


def _put_away(places: Places) -> None:
    """End the sessions that wait for a connection and make no reply meanwhile. The store keeps them."""
    for session in places.detached:
        if not (session.working or session.dialogue.delivery.awaited):
            session.move()


class _Quiet:
    """Finds the calls that lose nothing when they move now."""

    def __init__(self) -> None:
        self._since: dict[Session, float] = {}
        """Since when calls are quiet, by the loop's clock."""

    def find(self, sessions: list[Session]) -> list[Session]:
        """Those of the sessions that have been quiet for long enough, and whose clients come back."""
        now = asyncio.get_running_loop().time()
        since = self._since
        self._since = {session: since.get(session, now) for session in sessions if _is_quiet(session)}
        return [session for session, since_s in self._since.items() if now - since_s >= QUIET_S]


def _is_quiet(session: Session) -> bool:
    """Nobody speaks, nothing is owed to the caller, no tool runs, and the client would go on elsewhere."""
    dialogue = session.dialogue
    busy = session.ended or session.working or session.switchboard.transferring or session.hold.on
    owes = dialogue.delivery.awaited or dialogue.delivery.untold or not dialogue.idle or dialogue.leaving
    return not busy and not owes and session.attachment.comes_back
