"""The live calls of this process: admit, drain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from server.call.session import Session
from server.errors import AtCapacity

RETRY_AFTER_S = 5
"""Calls last for minutes, but where there are many one ends every few seconds."""


class Directory:
    """Admits calls up to a limit, and ends them all when the server has to stop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places = 0
        self._sessions: set[Session] = set()
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return self._places

    def admit(self) -> None:
        """Take a place; raises AtCapacity when there is none, before anything is allocated for the call."""
        if self._draining:
            raise AtCapacity("The server is shutting down. Please call again in a moment.", RETRY_AFTER_S)
        if self._places >= self._limit:
            raise AtCapacity("All lines are busy. Please call again in a moment.", RETRY_AFTER_S)
        self._places += 1
        self._empty.clear()

    def leave(self) -> None:
        """Give the place back."""
        self._places -= 1
        if not self._places:
            self._empty.set()

    @contextmanager
    def holding(self, session: Session) -> Iterator[None]:
        """The session is live inside."""
        self._sessions.add(session)
        try:
            yield
        finally:
            self._sessions.discard(session)

    async def drain(self, deadline_s: float) -> None:
        """Admit nobody, say goodbye on every call, and wait until all are over; at the deadline end the rest."""
        self._draining = True
        for session in tuple(self._sessions):
            session.leave()
        try:
            async with asyncio.timeout(deadline_s):
                await self._empty.wait()
        except TimeoutError:
            for session in tuple(self._sessions):
                session.end()
