"""What becomes of each tool that the model calls in one run.

A run may end while tools run: the caller goes on, a tool fails or takes too long, the call ends. pydantic-ai then keeps
no results, not even of the tools that had returned. Here each call is watched, so that the history can say of each what
is true. A model that reads there that a table was booked does not book it again.

When the caller goes on, a tool runs to its end all the same, unless the agent says that it may be stopped. Its result
comes late into the history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import ModelHTTPError, ToolRetryError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturn, ToolReturnPart
from pydantic_ai.tools import ToolDefinition

from server.agent.passing_on import HandOver, PassingOn, Transfer
from server.agent.ran import Outcome, Ran
from server.agent.tool_time import tool_time
from server.agent.voice_agent import EndsCalls
from server.agent.written import whole_value

NOT_RUN = "It was not run."
INTERRUPTED = "It was interrupted: it may or may not have taken effect."
TIMED_OUT = "It took too long and was stopped: it may or may not have taken effect."
FAILED = "It failed ({kind}): it may or may not have taken effect."

PASSED_ON = "The call goes to {to} as soon as the caller has heard your answer. Tell the caller so in a short sentence."
TOO_LATE = (
    "The answer was over when this returned, so the call was not passed on. Call the tool again if the caller still "
    "wants it."
)
NOT_FROM_THERE = "A tool in the background cannot pass the call on."

GRACE_S = 1.0
"""How long a tool may take to stop, and how much longer a tool may run for which nobody waits: a run that waits for it
stops it before."""

Start = Callable[[Callable[[], Coroutine[Any, Any, None]], str], "asyncio.Task[None]"]
"""Runs a function that never raises in a task of the call; the text is the task's name."""


PassOn = Callable[[PassingOn], Awaitable[str]]
"""Makes ready to pass the call on. Returns why that cannot be done; "" if it is ready."""


async def to_nobody(wish: PassingOn) -> str:
    """Outside of a call."""
    return "The call cannot be passed on here."


def start_task(work: Callable[[], Coroutine[Any, Any, None]], name: str) -> "asyncio.Task[None]":
    """Start a tool outside of a call."""
    return asyncio.create_task(work(), name=name)


class BackgroundTools(Protocol):
    """Runs the tools for which no answer waits."""

    def takes(self, name: str) -> bool:
        """Whether the tool of this name is one of them."""

    def begin(self, ctx: RunContext[Any], call: ToolCallPart, work: Callable[[], Awaitable[Any]]) -> str:
        """Begin a tool. Returns what the model is told now."""

    def beside(self) -> AbstractContextManager[None]:
        """While the block runs, another tool runs, for which an answer waits."""


class ToolCalls(AbstractCapability[Any]):
    """The tool calls of one run. pydantic-ai executes each through `wrap_tool_execute`."""

    def __init__(
        self,
        most_s: float,
        cancellable: Collection[str],
        start: Start,
        on_late: Callable[[ToolReturnPart], None],
        background: BackgroundTools,
        pass_on: PassOn = to_nobody,
    ) -> None:
        """A tool may take `most_s` seconds. Those of `cancellable` stop when the caller goes on.

        `on_late` is told of each tool that returns when its answer is over already. `pass_on` makes ready what a tool
        asks for.
        """
        self._most_s = most_s
        self._cancellable = cancellable
        self._start = start
        self._on_late = on_late
        self._background = background
        self._pass_on = pass_on
        self._outcomes: dict[str, Any] = {}
        """By the id of the call: what the tool returned, or one of the sentences above. A tool that runs counts as
        interrupted, as long as nothing else has become of it."""
        self._ran: dict[str, Ran] = {}
        """By the id of the call, in the order in which they began."""
        self._names: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Those that run, by the id of the call."""
        self._limits: dict[str, asyncio.Timeout] = {}
        """Theirs. One without an end waits for the caller."""
        self._missing: set[str] = set()
        """The ids of the calls of which the history says that they were interrupted."""
        self._failed = ""
        self._given_up = False
        self.hang_up = False
        """A tool has asked to end the call when the caller has heard the answer."""
        self.passes_on: PassingOn | None = None
        """To whom a tool has asked to pass the call on then, as its last word."""

    @property
    def at_fault(self) -> str:
        """The name of the tool that failed, or else of those that have not returned; "" when there are none."""
        open_calls = [call_id for call_id, outcome in self._outcomes.items() if outcome is INTERRUPTED]
        return self._failed or " or ".join(dict.fromkeys(self._names[call_id] for call_id in open_calls))

    @property
    def running(self) -> Sequence[str]:
        """The names of the tools that run."""
        return [self._names[call_id] for call_id in self._tasks]

    @property
    def ran(self) -> Sequence[Ran]:
        """Those that were begun, and what became of them so far."""
        return list(self._ran.values())

    def give_up(self) -> None:
        """Begin no tool any more. What has begun goes on."""
        self._given_up = True

    async def take_too_long(self) -> None:
        """Stop the tools that have not returned, because their time is over."""
        self._failed = self.at_fault
        self._outcomes |= dict.fromkeys(self._tasks, TIMED_OUT)
        await _stop(self._tasks.values())

    async def wrap_tool_execute(
        self, ctx: RunContext[Any], *, call: ToolCallPart, tool_def: ToolDefinition, args: dict[str, Any], handler: Any
    ) -> Any:
        """Run one tool, and remember what becomes of it."""
        if self._given_up:
            await asyncio.get_running_loop().create_future()  # until the run is cancelled, which is about to happen
        if self._background.takes(call.tool_name):
            told = self._outcomes[call.tool_call_id] = self._background.begin(ctx, call, partial(handler, args))
            return told
        call_id, returned = call.tool_call_id, asyncio.get_running_loop().create_future()
        self._names[call_id], self._outcomes[call_id] = call.tool_name, INTERRUPTED
        self._ran[call_id] = Ran(call.tool_name)
        work = partial(self._execute_beside, ctx, call, partial(handler, args), returned)
        task = self._start(work, f"tool-{call.tool_name}")
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(call_id))
        try:
            return await asyncio.shield(returned)
        except asyncio.CancelledError:
            if call.tool_name in self._cancellable and not self._waits_for_caller(call_id):
                await _stop([task])
            raise

    def _waits_for_caller(self, call_id: str) -> bool:
        """The tool has asked the caller for something, perhaps in place of its answer."""
        return call_id in self._limits and self._limits[call_id].when() is None

    async def _execute_beside(self, *what: Any) -> None:
        with self._background.beside():
            await self._execute(*what)

    async def _execute(
        self,
        ctx: RunContext[Any],
        call: ToolCallPart,
        work: Callable[[], Awaitable[Any]],
        returned: "asyncio.Future[Any]",
    ) -> None:
        """Run one tool to its end, also when nobody waits for it any more. `returned` gets what becomes of it."""
        call_id, now = call.tool_call_id, asyncio.get_running_loop().time
        began_s = now()
        became: Outcome = "failed"
        try:
            async with tool_time(self._most_s + GRACE_S, in_answer=True) as limit:
                self._limits[call_id] = limit
                result = fit(await self._arranged(call_id, await work()))
            self._outcomes[call_id], became = value_of(result), "returned"
            _tell(returned, result)
        except ToolRetryError as refusal:  # the tool's word to the model, which may try again
            self._outcomes[call_id], became = refusal.tool_retry.content, "refused"
            _tell(returned, refusal)
        except asyncio.CancelledError:
            became = "timed_out" if self._outcomes[call_id] is TIMED_OUT else "stopped"
            returned.cancel()
            raise
        except Exception as failure:
            self._failed = call.tool_name
            became = "timed_out" if limit.expired() else "failed"
            self._outcomes[call_id] = TIMED_OUT if limit.expired() else FAILED.format(kind=kind_of(failure))
            _tell(returned, failure)
        finally:
            self._ran[call_id] = Ran(call.tool_name, round(1000 * (now() - began_s), 1), became)
            if isinstance(ctx.deps, EndsCalls) and ctx.deps.hang_up_requested:
                ctx.deps.hang_up_requested, self.hang_up = False, True  # it counts for this answer, and for no other
        if call_id in self._missing:
            self._on_late(self._return(call))

    async def _arranged(self, call_id: str, result: Any) -> Any:
        """What a tool has returned, or what becomes of its wish to pass the call on."""
        if not isinstance(wish := value_of(result), HandOver | Transfer):
            return result
        if self._is_late(call_id):
            return TOO_LATE
        if why_not := await self._pass_on(wish):
            return why_not
        if self._is_late(call_id):
            return TOO_LATE
        self.passes_on = wish
        return PASSED_ON.format(to=wish.agent if isinstance(wish, HandOver) else wish.to)

    def _is_late(self, call_id: str) -> bool:
        """The answer is over, or is about to be."""
        return self._given_up or call_id in self._missing

    def closed(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """`messages`, with an outcome for each tool call of the last one: no provider takes a call without one."""
        if not messages or not isinstance(last := messages[-1], ModelResponse) or not last.tool_calls:
            return list(messages)
        self._missing.update(self._tasks)
        return [*messages, ModelRequest(parts=list(map(self._return, last.tool_calls)))]

    def _return(self, call: ToolCallPart) -> ToolReturnPart:
        outcome = self._outcomes.get(call.tool_call_id, NOT_RUN)
        return ToolReturnPart(call.tool_name, outcome, call.tool_call_id)


async def _stop(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancel the tasks, and wait until they have ended. One that does not let go is waited for only for a moment."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=GRACE_S)


def _tell(returned: "asyncio.Future[Any]", outcome: Any) -> None:
    """Give the outcome, which is a result or an exception, to whoever waits."""
    if isinstance(outcome, Exception):
        returned.set_exception(outcome)
        returned.exception()  # it is no fault if nobody waits any more
    else:
        returned.set_result(outcome)


def fit(result: Any) -> Any:
    """What a tool has returned, in a form that every model can be told. Raises an exception if there is none."""
    value = whole_value(value_of(result))
    if isinstance(value, HandOver | Transfer):  # of a tool in the background
        value = NOT_FROM_THERE
    ToolReturnPart("", value).model_response_str()
    return replace(result, return_value=value) if isinstance(result, ToolReturn) else value


def value_of(result: Any) -> Any:
    return result.return_value if isinstance(result, ToolReturn) else result


def kind_of(failure: BaseException) -> str:
    """What kind of failure it is, without its message, which may quote what the caller said."""
    if isinstance(failure, BaseExceptionGroup):  # of a FallbackModel: one failure for each model
        return ", ".join(map(kind_of, failure.exceptions))
    http = failure if isinstance(failure, ModelHTTPError) else failure.__cause__  # also a status that is no error
    status = getattr(http, "status_code", None)
    return f"{type(failure).__name__} (HTTP {status})" if isinstance(status, int) else type(failure).__name__
