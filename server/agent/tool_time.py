"""The time that tools have. It stands still while a tool waits for the caller, who may take longer than any system."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class _Limit:
    """A limit that holds as long as its block runs."""

    timeout: asyncio.Timeout
    over: bool = False


@dataclass(frozen=True, slots=True)
class _ToolTime:
    limits: tuple[_Limit, ...] = ()
    """All that hold for the tool: its own, and that of its answer."""
    in_answer: bool = False


_PRESENT: ContextVar[_ToolTime] = ContextVar("tool_time", default=_ToolTime())  # noqa: B039  # frozen


@asynccontextmanager
async def tool_time(seconds: float, in_answer: bool) -> AsyncIterator[asyncio.Timeout]:
    """What runs in the block has so many seconds, without the time in `waiting_for_the_caller`.

    `in_answer`: an answer waits for it. Raises TimeoutError at the end of the block, as `asyncio.timeout` does.
    """
    async with asyncio.timeout(seconds) as timeout:
        limit = _Limit(timeout)
        others = _PRESENT.get().limits if in_answer else ()
        before = _PRESENT.set(_ToolTime((*others, limit), in_answer))
        try:
            yield timeout
        finally:
            limit.over = True
            _PRESENT.reset(before)


@contextmanager
def waiting_for_the_caller() -> Iterator[None]:
    """While the block runs, the time of the tool that runs it stands still."""
    now = asyncio.get_running_loop().time
    began_s = now()
    held = [(limit, when) for limit in _PRESENT.get().limits if not limit.over and (when := limit.timeout.when())]
    for limit, _ in held:
        limit.timeout.reschedule(None)
    try:
        yield
    finally:
        for limit, when in held:
            if not limit.over:  # it may have another end by now, because the call is over
                later = when + now() - began_s
                limit.timeout.reschedule(min(later, limit.timeout.when() or later))


def in_answer() -> bool:
    """Whether an answer waits for the tool that asks this."""
    return _PRESENT.get().in_answer
