"""HeldToolset: one toolset that the server keeps entered, for all runs of all calls.

pydantic-ai enters every toolset of an agent in every run. A toolset that opens a connection or starts a process (such
as an MCP server) then does so for every answer, which the caller hears as silence. A held toolset is entered when the
server starts and left when the server stops; to the runs, entering and leaving it costs nothing.

When the connection is lost, the toolset is left and entered again in the background, so that later answers have their
tools back. Entering and leaving happen in one task: an anyio cancel scope must be left by the task that entered it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic_ai import RunContext
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred, ModelRetry, ToolFailed
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset

from server.agent.limits import RunLimits
from server.errors import ConfigError, EngineError

log = logging.getLogger(__name__)

Result = TypeVar("Result")

ENTER_S = 30.0
"""How long entering may take. `npx` and `uvx` download the program of an MCP server when they first start it."""
LEAVE_S = 5.0
"""How long leaving may take before it is cancelled. A process that is asked to end does so within a second or two."""
DRAIN_S = 5.0
"""How long running tool calls may go on before a toolset with a lost connection is left under them. Calls that need the
lost connection fail at once; only calls that do not need it are still running."""
BACKOFF_S = 0.5
BACKOFF_MOST_S = 30.0
"""The pauses between attempts to enter: none after the first loss, then 0.5, 1, 2 … seconds, and 30 at most, so that a
server that is down for an hour does not fill the log."""
STEADY_S = 30.0
"""A toolset that stayed entered for this long was well. Its next loss counts as the first."""
HUNG_SHARE = 0.9
"""A call that is cancelled after this share of the run's limit counts as hung. The run cancels it at the whole limit,
and starts to count a little before the call begins."""

_ANSWERS = (ModelRetry, ToolFailed, CallDeferred, ApprovalRequired)
"""How a tool speaks to the model or the application: the connection has worked."""
_ABOUT_THE_REQUEST = frozenset({-32601, -32602, -32603, -32002})
"""JSON-RPC error codes with which an MCP server refuses one request: no such method, wrong parameters, an error inside,
no such resource. Other codes tell that the connection or the session is gone (-32000, -32600), or too slow."""


class HeldToolset(WrapperToolset[Any]):
    """Passes on what runs ask of the toolset, and watches for failures that mean a lost connection."""

    def __init__(self, wrapped: AbstractToolset[Any], limits: RunLimits) -> None:
        super().__init__(wrapped)
        self._limits = limits
        self._task: asyncio.Task[None] | None = None
        self._usable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """The result of the newest attempt to enter: true when the toolset is entered, false when that has failed."""
        self._reason = ""
        """Why the toolset was left last, or could not be entered."""
        self._leave = asyncio.Event()
        """Set when the toolset is to be left: its connection is lost, or the server stops."""
        self._entered = False
        self._closing = False
        self._calls = 0
        self._idle = asyncio.Event()
        """Set while no call is running."""
        self._idle.set()

    async def start(self) -> None:
        """Enter the toolset. Raises ConfigError when that fails or takes longer than `ENTER_S`.

        Call `close` in both cases.
        """
        self._task = asyncio.create_task(self._keep(), name=f"toolset {self.wrapped.label}")
        if not await asyncio.shield(self._usable):
            raise ConfigError(f"ANTIPHON_AGENT: the toolset {self.wrapped.label} cannot be entered: {self._reason}")

    async def close(self) -> None:
        """Leave the toolset, within `DRAIN_S` and `LEAVE_S`; idempotent."""
        if self._task is None or self._task.done():
            return
        self._closing = True
        self._leave.set()
        if not self._entered:
            self._task.cancel()  # it is entering, or pauses before the next attempt
        _, hanging = await asyncio.wait({self._task}, timeout=DRAIN_S + LEAVE_S)
        if hanging:
            self._task.cancel()
            log.warning("x toolset cannot be left in time: toolset=%s", self.wrapped.label)

    # What runs call

    async def __aenter__(self) -> "HeldToolset":
        return self

    async def __aexit__(self, *args: Any) -> None:
        return None

    async def for_run(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:
        """The toolset for one run. Where the wrapped toolset makes a new one for each run, the run enters that one."""
        made = await self.wrapped.for_run(ctx)
        return self if made is self.wrapped else made

    async def for_run_step(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:
        made = await self.wrapped.for_run_step(ctx)
        return self if made is self.wrapped else made

    def visit_and_replace(
        self, visitor: Callable[[AbstractToolset[Any]], AbstractToolset[Any]]
    ) -> AbstractToolset[Any]:
        return visitor(self)

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        return await self._watch(lambda: self.wrapped.get_tools(ctx), self._limits.first_token_s)

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        return await self._watch(lambda: self.wrapped.call_tool(name, tool_args, ctx, tool), self._limits.tools_s)

    async def _watch(self, call: Callable[[], Awaitable[Result]], limit_s: float) -> Result:
        """Make a call for a run, which cancels it after `limit_s`. If it fails as on a lost connection, enter again.

        While the toolset is being entered, the call waits. When entering has failed, the call fails at once with an
        EngineError, so that the caller hears the apology instead of silence.
        """
        usable = self._usable
        if not await asyncio.shield(usable):
            raise EngineError("tool", "The tools of the agent cannot be reached.")
        began = asyncio.get_running_loop().time()
        self._calls += 1
        self._idle.clear()
        try:
            return await call()
        except asyncio.CancelledError:
            if asyncio.get_running_loop().time() - began >= HUNG_SHARE * limit_s:
                self._doubt(usable, "hangs")
            raise
        except Exception as exc:
            if may_be_lost(exc):
                self._doubt(usable, type(exc).__name__)
            raise
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def _doubt(self, usable: asyncio.Future[bool], reason: str) -> None:
        """Have the toolset entered again, unless the failed call is of an earlier connection."""
        if usable is self._usable and not self._leave.is_set():
            self._reason = reason
            self._leave.set()

    # The task that enters and leaves

    async def _keep(self) -> None:
        """Enter the toolset, serve, and leave it when its connection is lost; and again, until `close`."""
        loop, tries = asyncio.get_running_loop(), 0
        try:
            while True:
                began, attempt = loop.time(), self._usable
                await self._live_once()
                entered = attempt.done()
                if self._closing or not (entered or tries):
                    return  # when the first attempt fails, the server does not start
                tries = 1 if entered and loop.time() - began > STEADY_S else tries + 1
                pause_s = 0.0 if entered and tries == 1 else min(BACKOFF_S * 2 ** (tries - 2), BACKOFF_MOST_S)
                name, reason = self.wrapped.label, self._reason
                log.warning("x toolset has to be entered again: toolset=%s reason=%s in_s=%.1f", name, reason, pause_s)
                if pause_s:
                    self._usable.set_result(False)
                    await asyncio.sleep(pause_s)
                    self._usable = loop.create_future()
        finally:
            if not self._usable.done():
                self._usable.set_result(False)

    async def _live_once(self) -> None:
        """Enter the toolset, serve, and leave it. Afterwards `_reason` tells why it was left."""
        try:
            await self._live()
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            self._reason = "its connection was cancelled"  # by a cancel scope inside the toolset, when it dies
        except Exception as exc:  # of any library, while it enters or leaves
            self._reason = _told(exc)

    async def _live(self) -> None:
        loop, deadline, attempt = asyncio.get_running_loop(), asyncio.timeout(ENTER_S), self._usable
        try:
            async with deadline, self.wrapped:
                deadline.reschedule(None)
                self._leave.clear()
                self._entered = True
                self._usable.set_result(True)
                try:
                    await self._until_leave()
                finally:
                    self._entered, self._usable = False, loop.create_future()
                    deadline.reschedule(loop.time() + LEAVE_S)
        except TimeoutError as exc:
            if deadline.expired():
                raise TimeoutError(f"longer than {LEAVE_S if attempt.done() else ENTER_S:g} s") from exc
            raise

    async def _until_leave(self) -> None:
        await self._leave.wait()
        if not self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._idle.wait()


def may_be_lost(failure: Exception) -> bool:
    """Whether a failed call may mean that the connection of its toolset is lost.

    A library's own exception may always mean that; it is not known which libraries toolsets use. What a tool says to
    the model does not, unless pydantic-ai has made it from an MCP error that is not about this one request.
    """
    if isinstance(failure, ModelRetry):
        return any(code not in _ABOUT_THE_REQUEST for code in _mcp_codes(failure.__cause__))
    return not isinstance(failure, _ANSWERS) and type(failure).__name__ != "ToolError"  # fastmcp's, of a tool


def _mcp_codes(failure: BaseException | None) -> list[int]:
    """The JSON-RPC error codes of an MCP error, or of each MCP error in a group."""
    if isinstance(failure, BaseExceptionGroup):
        return [code for one in failure.exceptions for code in _mcp_codes(one)]
    code = getattr(getattr(failure, "error", None), "code", None)
    return [code] if isinstance(code, int) else []


def _told(failure: BaseException) -> str:
    """What kind of failure it is, and the first line of what it says."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    said = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {said[0]}" if said else type(failure).__name__
