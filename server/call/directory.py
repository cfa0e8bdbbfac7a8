"""The live calls of this process: admit, drain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from server.errors import AtCapacity

RETRY_AFTER_S = 5
"""Calls last for minutes, but where there are many one ends every few seconds."""


class Call(Protocol):
    """What is asked of a live call."""

    def leave(self) -> None:
        """Say goodbye; the call ends when it was heard."""

    def end(self) -> None:
        """The call is over; idempotent."""


class Directory:
    """Admits calls up to a limit, and ends them all when the server has to stop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places = 0
        self._calls: set[Call] = set()
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
    def holding(self, call: Call) -> Iterator[None]:
        """The call is live inside; one that connects while the server stops ends at once."""
        if self._draining:
            call.end()
        self._calls.add(call)
        try:
            yield
        finally:
            self._calls.discard(call)

    async def drain(self, deadline_s: float) -> None:
        """Admit nobody, say goodbye on every call, and wait until all are over; at the deadline end the rest."""
        self._draining = True
        for call in tuple(self._calls):
            call.leave()
        try:
            async with asyncio.timeout(deadline_s):
                await self._empty.wait()
        except TimeoutError:
            for call in tuple(self._calls):
                call.end()
