"""An event loop whose clock jumps to the next timer: minutes run in milliseconds, always in the same order.

The clock waits for what it cannot know. It stands still while a thread works for the loop, as a tool does that is a
normal function. While a connection or a process is open, it goes as fast as the clock on the wall.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

from pydantic_ai import Agent

T = TypeVar("T")
Given = TypeVarTuple("Given")

LIMIT_S = 3600.0
"""How much virtual time a test may take: no test needs more than an hour of a call."""


class JumpingSelector(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.threads = 0
        """How many threads work for the loop."""

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.threads:
            return super().select(None)  # a thread that ends wakes the loop
        if len(self.get_map()) > 1:  # the loop's own pipe is always there
            return self.wait(timeout)
        if timeout is None:
            raise RuntimeError("nothing will ever happen: no timer is set and no file is ready")
        self.now_s += timeout
        return []

    def wait(self, timeout: float | None) -> Any:
        """Wait until a file is ready or the time is over, while a connection or a process is open."""
        began_s = time.monotonic()
        ready = super().select(timeout)
        self.now_s += time.monotonic() - began_s
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. Its `time` begins at 0."""

    def __init__(self, selector: JumpingSelector | None = None) -> None:
        self._jumping = selector or JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def hold_up(self, seconds: float) -> None:
        """Let time pass while nothing runs, as if one step of the loop took so long."""
        self._jumping.now_s += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], T], *args: *Given
    ) -> "asyncio.Future[T]":
        """As of any loop; the clock stands still until `func` has returned."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_is_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **options: Any) -> None:
        """As of any loop: a thread of its own waits for the others."""
        self._jumping.threads += 1
        try:
            await super().shutdown_default_executor(*args, **options)
        finally:
            self._jumping.threads -= 1

    def _thread_is_done(self, future: "asyncio.Future[T]") -> None:
        self._jumping.threads -= 1


def run(scenario: Coroutine[Any, Any, T], limit_s: float = LIMIT_S) -> T:
    """Run a coroutine to its end on virtual time, and return its result.

    Raises TimeoutError after `limit_s` of virtual time, and AssertionError when a task is left over.
    """

    async def bounded() -> T:
        async with asyncio.timeout(limit_s):
            result = await scenario
        for _ in range(5):  # let the callbacks of tasks run that have just ended
            await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left over: {left}"
        return result

    # pydantic-ai runs tools and instructions that are normal functions in threads. It has to ask the loop for them.
    with ThreadPoolExecutor(thread_name_prefix="tool") as threads, Agent.using_thread_executor(threads):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(bounded())
