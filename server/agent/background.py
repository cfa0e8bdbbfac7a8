"""Background: the tools of one call that run while the talk goes on.

The model is told at once that such a tool runs, and of its result when it has come. No answer waits for these tools.
When the call ends, they have as long as other tools to come to their end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import ToolRetryError
from pydantic_ai.messages import ToolCallPart

from server.agent.limits import RunLimits
from server.agent.ran import Outcome, Ran
from server.agent.returned import IN_BACKGROUND, Returned
from server.agent.tool_calls import FAILED, TIMED_OUT, Start, fit, kind_of, start_task, value_of
from server.agent.tool_time import tool_time
from server.agent.voice_agent import EndsCalls

FULL = "It was not run: {most} tools run in the background already. Try it again when one of them has returned."


class Background:
    """The tools of one call that run in the background."""

    def __init__(self, names: Collection[str] = (), limits: RunLimits | None = None, start: Start = start_task) -> None:
        self.names = names
        """Those of the tools that run in the background."""
        self.on_return: Callable[[Returned], None] = lambda returned: None
        """Is told of each tool that has returned, failed or taken too long."""
        self._limits = limits or RunLimits()
        self._start = start
        self._tasks: set[asyncio.Task[None]] = set()
        self._deadlines: list[asyncio.Timeout] = []
        self._ending = False
        self._others = 0
        """How many other tools run, for which an answer waits."""

    @contextmanager
    def beside(self) -> Iterator[None]:
        """While the block runs, a tool runs for which an answer waits, and which may ask for the end of the call."""
        self._others += 1
        try:
            yield
        finally:
            self._others -= 1

    @property
    def running(self) -> bool:
        return bool(self._tasks)

    def takes(self, name: str) -> bool:
        """Whether the tool of this name runs in the background."""
        return name in self.names

    def begin(self, ctx: RunContext[Any], call: ToolCallPart, work: Callable[[], Awaitable[Any]]) -> str:
        """Begin a tool, if there is room. Returns what the model is told now."""
        if len(self._tasks) >= self._limits.background_tools:
            return FULL.format(most=self._limits.background_tools)
        task = self._start(partial(self._execute, ctx, call, work), f"background-{call.tool_name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return IN_BACKGROUND

    def end_soon(self) -> None:
        """The call ends: no tool goes on for longer than another tool may."""
        self._ending = True
        latest = asyncio.get_running_loop().time() + self._limits.tools_s
        for deadline in self._deadlines:
            deadline.reschedule(min(latest, deadline.when() or latest))

    async def _execute(self, ctx: RunContext[Any], call: ToolCallPart, work: Callable[[], Awaitable[Any]]) -> None:
        limit_s = self._limits.tools_s if self._ending else self._limits.background_s
        now = asyncio.get_running_loop().time
        began_s = now()
        became: Outcome = "failed"
        try:
            async with tool_time(limit_s, in_answer=False) as deadline:
                self._deadlines.append(deadline)
                try:
                    outcome, became = value_of(fit(await work())), "returned"
                finally:
                    self._deadlines.remove(deadline)
        except ToolRetryError as refusal:  # the tool's word to the model, which may try again
            outcome, became = refusal.tool_retry.content, "refused"
        except asyncio.CancelledError as exc:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            outcome = FAILED.format(kind=kind_of(exc))
        except Exception as exc:
            became = "timed_out" if deadline.expired() else "failed"
            outcome = TIMED_OUT if deadline.expired() else FAILED.format(kind=kind_of(exc))
        finally:
            if isinstance(ctx.deps, EndsCalls) and not self._others:  # if others run, the wish may be theirs
                ctx.deps.hang_up_requested = False  # its answer is over, and no other one ends the call for it
        ran = Ran(call.tool_name, round(1000 * (now() - began_s), 1), became)
        self.on_return(Returned(call, outcome, ran))
