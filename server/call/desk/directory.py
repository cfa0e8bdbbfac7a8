"""Directory: the live sessions of this process. It admits new ones, finds them for their connections, and ends them."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from server.call.attachment import Connection
from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.desk.one_use import OneUse, Spending
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import AtCapacity, InvalidToken, NotFound
from server.record.conversation import Conversation, hash_token

RETRY_AFTER_S = 5
"""When a refused caller should try again. A call lasts for minutes, but on a full server one ends every few seconds."""
PUT_AWAY_S = 0.1
"""How often a server that is stopping looks for sessions that it can end before the deadline."""
ENDING_S = 2.0
"""How long the end of sessions is waited for. It takes milliseconds, unless a tool does not stop."""

log = logging.getLogger(__name__)

Open = Callable[[str, Caller, CallOptions], Session]
Restore = Callable[[Conversation, Caller, CallOptions], Session]


class Claims(Spending, Protocol):
    """Gives out the conversations that no process holds any more, and remembers which one-use tokens were used."""

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        """Take a conversation over. None if `token_hash` is not the hash of its token. Raises StoreError.

        From then on the hash of its token is `new_token_hash`.
        """


class Directory:
    """The sessions of one process, up to `limit`, and the task of each."""

    def __init__(
        self,
        open_session: Open,
        limit: int,
        restore: Restore,
        claims: Claims,
        overload: Callable[[], Refusal | None] = lambda: None,
    ) -> None:
        """`overload` tells why new calls are refused although there are places left; None: they are not."""
        self._open_session = open_session
        self._limit = limit
        self._restore = restore
        self._claims = claims
        self._one_use = OneUse(claims)
        self._overload = overload
        self.opened = 0
        self.refused = Counter[Refusal]()
        self._sessions: dict[str, Session] = {}
        self._tasks: dict[Session, asyncio.Task[None]] = {}
        """The tasks of the sessions that have had a connection.

        A session that gave way to a new call may still be here, and end, when its caller is back with another session.
        """
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def detached(self) -> int:
        """How many sessions have lost their connection and wait for another one."""
        return len(self._detached_sessions)

    def refusal(self) -> Refusal | None:
        """Why a new call would be refused now; None: it would be admitted."""
        if self._draining:
            return Refusal.DRAINING
        if len(self._sessions) >= self._limit and not self._replaceable_sessions:
            return Refusal.FULL
        return self._overload()

    def admit(self, caller: Caller) -> None:
        """Raises AtCapacity if a new call of this caller has to be refused now."""
        if (refusal := self.refusal()) is not None:
            self.refused[refusal] += 1
            raise AtCapacity(refusal.sentence, RETRY_AFTER_S)

    async def open(self, caller: Caller, options: CallOptions) -> Session:
        """Make a new session, which waits for its first connection. `options` is what the caller wants.

        Raises InvalidToken, AtCapacity and StoreError before anything is allocated.
        """
        if caller.expired:
            raise InvalidToken("The token has expired.")
        self.admit(caller)
        if caller.once:
            await self._one_use.begin(caller)
            self.admit(caller)  # others may have called meanwhile
        self.opened += 1
        session = self._open_session(secrets.token_urlsafe(12), caller, caller.choose(options))
        self._add(session)
        return session

    async def find(self, caller: Caller, session_id: str, token: str, options: CallOptions) -> Session:
        """The session that `token` resumes: a live one, or one that is restored from the record of another process.

        Raises NotFound, StoreError and AtCapacity. NotFound does not tell whether there is a session with this id, or
        whose it is, and takes as long in all cases.
        """
        known, session = hash_token(token, caller.name), self._sessions.get(session_id)
        if session is not None:
            if session.token.accepts(token, caller.name):
                return session
            known = secrets.token_hex(32)  # no record has this hash: a live session is not taken over
        record = await self._claims.claim(session_id, known, known)
        if record is None:
            raise NotFound("There is no such conversation.")
        if (session := self._sessions.get(session_id)) is not None:
            return session  # another request with the same token has restored it meanwhile
        self.admit(caller)
        session = self._restore(record, caller, caller.choose(options))
        self._add(session)
        return session

    def holds(self, caller: Caller) -> bool:
        """Whether a call of a caller with this name is here, connected or not."""
        return any(session.caller.name == caller.name for session in self._sessions.values())

    def attach(self, session: Session, connection: Connection, token: str) -> None:
        """Let the session go on at `connection`. The first connection needs no `token`; another one does.

        Raises NotFound if the session has ended meanwhile, or if the token was used already. Raises InvalidToken if the
        caller's own token was good for one call, and another one stands.
        """
        if self._sessions.get(session.id) is not session or (token and not session.token.redeem(token)):
            raise NotFound("There is no such conversation.")
        if not token and session not in self._tasks and not self._one_use.stands(session.caller):
            raise InvalidToken("The token has begun a call already, and it begins only one.")
        session.attach(connection)
        if session not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._run_to_its_end(session), name=f"call-{session.id}")
            self._tasks[session] = task

    def abandon(self, session: Session) -> None:
        """Free the place of a session whose first connection has failed. A session that has had a connection stays."""
        if session not in self._tasks:
            self._remove(session)

    def lose(self, session_id: str) -> None:
        """Another server has the conversation now, or it was deleted: end its session here."""
        if (session := self._sessions.get(session_id)) is not None:
            session.yield_elsewhere()

    async def drain(self, deadline_s: float, put_away: bool = True) -> None:
        """Refuse new calls and let the present ones go on until the deadline. Then move the rest to another server.

        With `put_away` a session that waits for a connection ends at once, unless a reply is being made in it: its
        caller goes on from the store. Use False where the store ends with this process; then such a session waits for
        its caller until the deadline, too.
        """
        self._draining = True
        try:
            async with asyncio.timeout(deadline_s):
                while self._sessions:
                    if put_away:
                        self._move_detached()
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
        """End the sessions that are left. One whose tool does not stop is left behind."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ENDING_S)

    def _move_detached(self) -> None:
        """End the sessions that wait for a connection and make no reply meanwhile. The store keeps them."""
        for session in self._detached_sessions:
            if not session.working:
                session.move()

    def _add(self, session: Session) -> None:
        """Give the session a place. If there is none left, another session gives way.

        That is one that has ended and whose tool does not stop, or else the one that lost its connection first.
        """
        if len(self._sessions) >= self._limit:
            replaced = min(self._replaceable_sessions, key=lambda other: (not other.ended, other.detached_s or 0.0))
            if not replaced.ended:
                replaced.move()
            del self._sessions[replaced.id]
        self._sessions[session.id] = session
        self._empty.clear()

    @property
    def _detached_sessions(self) -> list[Session]:
        """The sessions that have lost their connection and wait for another one."""
        return [session for session in self._sessions.values() if session.detached_s is not None]

    @property
    def _replaceable_sessions(self) -> list[Session]:
        """The sessions whose place a new call may take on a full server."""
        return [session for session in self._sessions.values() if session.ended or session.detached_s is not None]

    async def _run_to_its_end(self, session: Session) -> None:
        """The life of one session, from its first connection until everything of it is released."""
        log.info("- call %s begins", session.id)
        try:
            await session.run()
        except Exception:
            log.exception("x call %s ended by a fault of the server", session.id)
        finally:
            self._remove(session)
            log.info("- call %s is over", session.id)

    def _remove(self, session: Session) -> None:
        """Free the place of a session that is over."""
        session.over.set()
        self._tasks.pop(session, None)
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
        if not self._sessions:
            self._empty.set()
