"""Functions: runs the functions of an agent's author so that none of them holds up the sound of the calls."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextvars import copy_context
from threading import BoundedSemaphore, Thread
from typing import Any

MOST_THREADS = 64
"""How many threads may work at once. A function that hangs keeps its thread for good; when all do, others fail."""


class Functions:
    """Runs functions with a time limit: an `async` one in the event loop, every other one in a thread."""

    def __init__(self, limit_s: float) -> None:
        """`limit_s` is how long one function may take. A thread that takes longer is left behind."""
        self._limit_s = limit_s
        self._threads = _Threads()

    async def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """What the function returns. Raises whatever it raises, and TimeoutError when it takes too long."""
        try:
            async with asyncio.timeout(self._limit_s) as limit:
                return await self._run(function, given)
        except TimeoutError:
            if limit.expired():
                raise TimeoutError(f"it has taken longer than {self._limit_s:g} s") from None
            raise

    async def _run(self, function: Callable[..., Any], given: Sequence[Any]) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(*given)
        loop, context = asyncio.get_running_loop(), copy_context()
        made = await loop.run_in_executor(self._threads, context.run, function, *given)
        return await made if inspect.iscoroutine(made) else made  # as of a lambda that calls an async function


class _Threads(Executor):
    """A thread for each function. None of them keeps the server from stopping, as those of a pool would."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(MOST_THREADS)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Raises RuntimeError when too many threads work already."""
        if not self._free.acquire(blocking=False):
            raise RuntimeError("too many functions of the agent have not returned yet")
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        Thread(target=self._work, args=(future, fn, args, kwargs), name="agent-function", daemon=True).start()
        return future

    def _work(self, future: "Future[Any]", fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        try:
            result = fn(*args, **kwargs)
        except StopIteration as error:  # asyncio cannot hand it on, and would wait for ever
            future.set_exception(RuntimeError(f"{type(error).__name__} was raised"))
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            self._free.release()


def needed(function: Callable[..., Any]) -> int:
    """How many parameters a function must be given in their places.

    Those with a default are not among them: a class with defaults makes dependencies without being told anything.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C do not tell
        return 0
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in places and each.default is each.empty for each in parameters)
