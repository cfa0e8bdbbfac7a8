"""Directory: the live sessions of this process. It admits new ones, finds them for their connections, and ends them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from server.call.attachment import Connection
from server.call.caller import Caller
from server.call.control import Control
from server.call.desk.admission import Refusal
from server.call.desk.drain import ENDING_S, Elsewhere, drain
from server.call.desk.ids import ALONE, Ids
from server.call.desk.limits import Limits, Stage
from server.call.desk.one_use import OneUse, Spending
from server.call.desk.places import Places
from server.call.live import LiveCall
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import InvalidToken, NotFound
from server.logs import CALL
from server.record.conversation import Conversation, hash_token

NO_CONVERSATION = "There is no such conversation."
log = logging.getLogger(__name__)

Open = Callable[[Caller, CallOptions], Callable[[str], Awaitable[Session]]]
"""Judges the options of a call, and returns what makes a new session with an id. Raises PeerError; what it returns
raises AgentUnavailable."""
Restore = Callable[[Caller, CallOptions], Callable[[Conversation], Awaitable[Session]]]
"""The same for a session that is made from a record."""


class Claims(Spending, Protocol):
    """Gives out the conversations that no process holds any more, and remembers which one-use tokens were used."""

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        """Whether `token_hash` is the hash of the conversation's token. Changes nothing. Raises StoreError."""

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        """Take a conversation over. None if `token_hash` is not the hash of its token. Raises StoreError.

        From then on the hash of its token is `new_token_hash`.
        """


class Directory:
    """The sessions of one process, as many as `limits` has places, and the task of each."""

    def __init__(
        self,
        open_session: Open,
        restore: Restore,
        claims: Claims,
        limits: Limits,
        overload: Callable[[], Refusal | None] = lambda: None,
        ids: Ids = ALONE,
    ) -> None:
        """`overload` tells why new calls are refused although there are places left; None: they are not."""
        self._open_session = open_session
        self._restore = restore
        self._claims = claims
        self._one_use = OneUse(claims)
        self.ids = ids
        """Makes the ids of all that is here."""
        self._places = Places(limits, overload)
        self.opened = 0
        self._restoring: dict[str, asyncio.Event] = {}
        """The conversations that are just being restored, by their ids. An event is set when this is over."""
        self._tasks: dict[Session, asyncio.Task[None]] = {}
        """The tasks of the sessions that have had a connection.

        A session that gave way to a new call may still be here, and end, when its caller is back with another session.
        """
        self._hooks: set[asyncio.Task[None]] = set()
        """They run the hooks of the agent. They may need longer than the sessions, and do not keep their places."""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def detached(self) -> int:
        """How many sessions have lost their connection and wait for another one."""
        return len(self._places.detached)

    @property
    def refused(self) -> Mapping[Refusal, int]:
        return self._places.refused

    @property
    def gave_way(self) -> Mapping[Stage, int]:
        """The calls that have given way to another one, by how far they were."""
        return self._places.gave_way

    def refusal(self) -> Refusal | None:
        """Why this server takes no calls now; None: it takes calls."""
        return self._places.refusal()

    def pace(self, caller: Caller) -> None:
        """Count one more request to begin, resume or move a call. Raises TooMany if this caller sends too many."""
        self._places.pace(caller)

    def admit(self, caller: Caller) -> None:
        """Raises AtCapacity or TooMany if a new call of this caller has to be refused now."""
        self._places.judge(caller)

    async def open(self, caller: Caller, options: CallOptions) -> Session:
        """Make a new session, which waits for its first connection. `options` is what the caller wants.

        Raises InvalidToken, AtCapacity, TooMany and StoreError before anything is allocated, PeerError if the call may
        not have the options, and AgentUnavailable.
        """
        if caller.expired:
            raise InvalidToken("The token has expired.")
        self.admit(caller)
        await self._one_use.begin(caller)  # others may call meanwhile
        session_of = self._open_session(caller, caller.choose(options))
        with self._places.keep(caller):
            session = await session_of(self.ids.new())
            self._places.take(session)
        self.opened += 1
        CALL.set(session.log_context)
        return session

    async def find(self, caller: Caller, session_id: str, token: str, options: CallOptions) -> Session:
        """The session that `token` resumes: a live one, or one that is restored from the record of another process.

        From then on the lines that this task logs name the call, and so do those of all that it starts.
        Raises NotFound, StoreError, AtCapacity, TooMany, PeerError and AgentUnavailable. NotFound does not tell whether
        there is a session with this id, or whose it is, and takes as long in all cases.
        """
        session = await self._find(caller, session_id, token, options)
        CALL.set(session.log_context)
        return session

    async def _find(self, caller: Caller, session_id: str, token: str, options: CallOptions) -> Session:
        session, token_hash = self._places.get(session_id), hash_token(token, caller.name)
        if session is not None and session.token.accepts(token, caller.name):
            return session
        if not await self._claims.holds(session_id, token_hash) or session is not None:
            raise NotFound(NO_CONVERSATION)
        while (restored := self._restoring.get(session_id)) is not None:
            await restored.wait()
        if (session := self._places.get(session_id)) is None:
            with self._restores(session_id):
                return await self._claim(caller, session_id, token_hash, options)
        if session.token.accepts(token, caller.name):
            return session
        raise NotFound(NO_CONVERSATION)

    def has(self, session_id: str) -> bool:
        """Whether this session is here, and goes on here."""
        session = self._places.get(session_id)
        return session is not None and not session.ended

    def holds(self, caller: Caller) -> bool:
        """Whether a call of a caller with this name is here, connected or not."""
        return any(session.caller.name == caller.name for session in self._places.sessions)

    def attach(self, session: Session, connection: Connection, token: str) -> None:
        """Let the session go on at `connection`. The first connection needs no `token`; another one does.

        Raises NotFound if the session has ended meanwhile, or if the token was used already. Raises InvalidToken if the
        caller's own token was good for one call, and another one stands.
        """
        if self._places.get(session.id) is not session or (token and not session.token.redeem(token)):
            raise NotFound(NO_CONVERSATION)
        if not token and session not in self._tasks and not self._one_use.stands(session.caller):
            raise InvalidToken("The token has begun a call already, and it begins only one.")
        session.attach(connection)
        self._places.connect(session)
        if session not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._run_to_its_end(session), name=f"call-{session.id}")
            self._tasks[session] = task
            self._run_hooks(session)

    @property
    def live(self) -> list[LiveCall]:
        """The calls that live here now, the oldest first."""
        running = [session for session in self._places.sessions if session in self._tasks and not session.ended]
        return sorted((session.control.about for session in running), key=lambda call: call.since_ms)

    def control(self, session_id: str) -> Control:
        """The control of a live call. Raises NotFound."""
        session = self._places.get(session_id)
        if session is None or session not in self._tasks or session.ended:
            raise NotFound("There is no such call.")
        return session.control

    def abandon(self, session: Session) -> None:
        """Free the place of a session whose first connection has failed. A session that has had a connection stays."""
        if session not in self._tasks:
            session.abandon()
            self._remove(session)

    def lose(self, session_id: str) -> None:
        """Another server has the conversation now, or it was deleted: end its session here."""
        if (session := self._places.get(session_id)) is not None:
            session.yield_elsewhere()

    async def drain(self, deadline_s: float, put_away: bool = True, elsewhere: Elsewhere | None = None) -> None:
        """Refuse new calls and let the present ones go on until the deadline. Then move the rest to another server.

        The other parameters are those of `drain`.
        """
        now = asyncio.get_running_loop().time
        end_s = now() + deadline_s
        await drain(self._places, deadline_s, put_away, elsewhere)
        if self._hooks:
            await asyncio.wait(self._hooks, timeout=max(ENDING_S, end_s - now()))

    async def close(self) -> None:
        """End the sessions that are left, and then the hooks. A tool or a hook that does not stop is left behind."""
        for tasks in (tuple(self._tasks.values()), tuple(self._hooks)):
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=ENDING_S)

    @contextmanager
    def _restores(self, session_id: str) -> Iterator[None]:
        """Nobody else restores this conversation while the block runs."""
        self._restoring[session_id] = asyncio.Event()
        try:
            yield
        finally:
            self._restoring.pop(session_id).set()

    async def _claim(self, caller: Caller, session_id: str, token_hash: str, options: CallOptions) -> Session:
        """Take the conversation over from another process.

        Whatever may refuse it comes first, because the claim ends the call that another process may still have.
        """
        session_of = self._restore(caller, caller.choose(options))
        with self._places.keep(caller):
            record = await self._claims.claim(session_id, token_hash, token_hash)
            if record is None:
                raise NotFound(NO_CONVERSATION)
            session = await session_of(record)
            self._places.take(session)
        return session

    def _run_hooks(self, session: Session) -> None:
        task = asyncio.get_running_loop().create_task(session.hooks.run(), name=f"hooks-{session.id}")
        self._hooks.add(task)
        task.add_done_callback(self._hooks.discard)

    async def _run_to_its_end(self, session: Session) -> None:
        """The life of one session, from its first connection until everything of it is released."""
        log.info("- call %s begins by %s", session.id, session.caller.transport or "webrtc")
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
        self._places.leave(session)
