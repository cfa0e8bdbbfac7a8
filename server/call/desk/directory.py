"""The live sessions of this process by id: admit, find, attach, drain. Owns the task of each."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from server.call.attachment import Connection
from server.call.desk.admission import Refusal
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import AtCapacity, NotFound
from server.record.conversation import Conversation, hash_token

RETRY_AFTER_S = 5
"""Calls last for minutes, but where there are many one ends every few seconds."""
PUT_AWAY_S = 0.1
"""How often a server that stops looks for calls that wait for nothing here: soon, beside a deadline of seconds."""
ENDING_S = 2.0
"""A session ends in milliseconds; a tool that does not let go is not waited for any longer."""

log = logging.getLogger(__name__)

Open = Callable[[str, CallOptions], Session]
Restore = Callable[[Conversation, CallOptions], Session]


class Claims(Protocol):
    """Where conversations rest that no process holds any more."""

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        """Take it over; None when the token is not its own. Raises StoreError."""


class Directory:
    """Admits sessions up to a limit, lets connections find theirs, and ends them all when the server has to stop."""

    def __init__(
        self,
        open_session: Open,
        limit: int,
        restore: Restore,
        claims: Claims,
        overload: Callable[[], Refusal | None] = lambda: None,
    ) -> None:
        """`overload` says why nobody new is to be admitted, though there are places."""
        self._open_session = open_session
        self._limit = limit
        self._restore = restore
        self._claims = claims
        self._overload = overload
        self.opened = 0
        self.refused = Counter[Refusal]()
        self._sessions: dict[str, Session] = {}
        self._tasks: dict[Session, asyncio.Task[None]] = {}
        """Of the sessions that have had a connection; one that gave way may still be ending when its caller is back."""
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def detached(self) -> int:
        """How many sessions wait for another connection."""
        return len(self._waiting)

    def refusal(self) -> Refusal | None:
        """Why a new call would be refused now; None when it would not."""
        if self._draining:
            return Refusal.DRAINING
        if len(self._sessions) >= self._limit and not self.detached:
            return Refusal.FULL
        return self._overload()

    def admit(self) -> None:
        """Raises AtCapacity when a new call would be refused now."""
        if (refusal := self.refusal()) is not None:
            self.refused[refusal] += 1
            raise AtCapacity(refusal.sentence, RETRY_AFTER_S)

    def open(self, options: CallOptions) -> Session:
        """A new session, which waits for its first connection. Raises AtCapacity before anything is allocated."""
        self.admit()
        self.opened += 1
        session = self._open_session(secrets.token_urlsafe(12), options)
        self._take_place(session)
        return session

    async def find(self, session_id: str, token: str, options: CallOptions) -> Session:
        """The session that `token` may resume: a live one, or one of a process that is gone, from its record.

        Raises NotFound, which does not tell whether there is such a session, StoreError and AtCapacity.
        """
        session = self._sessions.get(session_id)
        if session is not None and session.token.accepts(token):
            return session
        known = hash_token(token)
        record = await self._claims.claim(session_id, known, known) if session is None else None
        if record is None:
            raise NotFound("There is no such conversation.")
        if (session := self._sessions.get(session_id)) is not None:
            return session  # somebody with the same token was quicker
        self.admit()
        session = self._restore(record, options)
        self._take_place(session)
        return session

    def attach(self, session: Session, connection: Connection, token: str) -> None:
        """Let the session go on at `connection`, its first one or, with the token if given, another.

        Raises NotFound when the session has ended meanwhile, or its token was used.
        """
        if self._sessions.get(session.id) is not session or (token and not session.token.redeem(token)):
            raise NotFound("There is no such conversation.")
        session.attach(connection)
        if session not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._hold(session), name=f"call-{session.id}")
            self._tasks[session] = task

    def abandon(self, session: Session) -> None:
        """Its first connection has not come about: the place is free again. Nothing, if it has had one."""
        if session not in self._tasks:
            self._forget(session)

    def lose(self, session_id: str) -> None:
        """The conversation is another server's now, or nobody's."""
        if (session := self._sessions.get(session_id)) is not None:
            session.yield_elsewhere()

    async def drain(self, deadline_s: float, put_away: bool = True) -> None:
        """Admit nobody and let calls go on until the deadline; then tell them to go on elsewhere, and end.

        With `put_away` a session that waits for a connection, and makes nothing meanwhile, ends before: whoever comes
        back goes on from the store. Where that ends with this process, it waits for its caller to the last.
        """
        self._draining = True
        try:
            async with asyncio.timeout(deadline_s):
                while self._sessions:
                    if put_away:
                        self._put_away()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(PUT_AWAY_S):
                            await self._empty.wait()
        except TimeoutError:
            for session in tuple(self._sessions.values()):
                session.move()
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDING_S):
                    await self._empty.wait()

    async def close(self) -> None:
        """End what is left; whose tool does not let go is left behind."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ENDING_S)

    def _put_away(self) -> None:
        for session in self._waiting:
            if not session.working:
                session.move()

    def _take_place(self, session: Session) -> None:
        """Who has lost the connection longest gives way to who calls now."""
        if len(self._sessions) >= self._limit:
            longest = min(self._waiting, key=lambda waiting: waiting.detached_s or 0.0)
            longest.move()
            del self._sessions[longest.id]
        self._sessions[session.id] = session
        self._empty.clear()

    @property
    def _waiting(self) -> list[Session]:
        return [session for session in self._sessions.values() if session.detached_s is not None]

    async def _hold(self, session: Session) -> None:
        """The life of one session, from its first connection to the last thing given back."""
        log.info("- call %s begins", session.id)
        try:
            await session.run()
        except Exception:
            log.exception("x call %s ended by a fault of ours", session.id)
        finally:
            self._forget(session)
            log.info("- call %s is over", session.id)

    def _forget(self, session: Session) -> None:
        session.over.set()
        self._tasks.pop(session, None)
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
        if not self._sessions:
            self._empty.set()
