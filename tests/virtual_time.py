"""An event loop whose clock jumps to the next timer: minutes run in milliseconds, always in the same order."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None or timeout <= 0:
            if not ready and timeout is None:
                raise RuntimeError("nothing will ever happen: no timer is set and no file is ready")
            return ready
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def hold_up(self, seconds: float) -> None:
        """Let time pass while nothing runs, as if one step of the loop took so long."""
        self._jumping.now_s += seconds


def run_virtual(scenario: Coroutine[Any, Any, T], limit_s: float = 600.0) -> T:
    """Run the scenario to its end on virtual time. A task that is left over fails the test."""

    async def bounded() -> T:
        async with asyncio.timeout(limit_s):
            result = await scenario
        for _ in range(5):  # let the callbacks of tasks run that have just ended
            await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left over: {left}"
        return result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(bounded())
