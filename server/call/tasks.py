"""Tasks: everything that runs for one call, and ends with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """The tasks of one call. `on_fault` is told when one of them has a fault of the server, which does not end it."""

    def __init__(self, call_id: str, on_fault: Callable[[], object]) -> None:
        self._id = call_id
        self._on_fault = on_fault
        self._group: asyncio.TaskGroup | None = None

    @property
    def running(self) -> bool:
        """Tasks may be started."""
        return self._group is not None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Tasks may be started in this block, which ends when all of them have ended."""
        try:
            async with asyncio.TaskGroup() as self._group:
                yield
        finally:
            self._group = None

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        """Run `work` in a task of this name."""
        assert self._group is not None, "because nothing happens before the call runs"
        return self._group.create_task(self._run_guarded(work), name=f"{self._id}-{name}")

    async def _run_guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception:
            log.exception("x fault in call %s", self._id)
            self._on_fault()
