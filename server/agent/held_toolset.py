"""HeldToolset: one toolset that the server keeps entered, for all runs of all calls.

pydantic-ai enters every toolset of an agent in every run. A toolset that opens a connection or starts a process (such
as an MCP server) may then do so once for every answer, which the caller hears as silence: 1 to 2 s for an MCP server on
stdio without `keep_alive`. A held toolset is entered when the server starts and left when the server stops. A run that
enters or leaves it does nothing.

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
"""How long entering may take before it counts as failed. `npx` and `uvx` download the program of an MCP server when
they first start it."""
LEAVE_S = 6.0
"""How long each step of leaving may take before it is cancelled. The MCP SDK gives a process that hangs 4.5 s to end
before it kills the process."""
DRAIN_S = 2.0
"""How long running tool calls may go on before the toolset is left under them. The failure that was noticed may be that
of one call alone. Other callers wait meanwhile, and give up after `RunLimits.first_token_s`."""
BACKOFF_S = 0.5
"""The shortest time between two attempts to enter, and the first pause after a failed attempt."""
BACKOFF_MOST_S = 30.0
"""The longest pause. The pause doubles with each failed attempt, so that a tool server that is down for an hour does
not fill the log."""
HUNG_SHARE = 0.9
"""A tool call that is cancelled after this share of the run's limit counts as hung. The run cancels the call at the
whole limit, but starts to count a little before the call begins."""

_ANSWERS = (ModelRetry, ToolFailed, CallDeferred, ApprovalRequired)
"""Exceptions with which a tool speaks to the model or to the application. They show that the connection works."""
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
        """The newest attempt to enter: pending until it ends, then true when the toolset is entered, else false."""
        self._lost = asyncio.Event()
        self._reason = ""
        """Why the connection was lost, or why the last attempt to enter has failed."""
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
        """Leave the toolset; idempotent. Takes twice `LEAVE_S` at most. No call may be running any more."""
        if self._task is None or self._task.done():
            return
        self._task.cancel()
        _, hanging = await asyncio.wait({self._task}, timeout=2 * LEAVE_S)
        if hanging:
            log.warning("x toolset cannot be left in time: toolset=%s", self.wrapped.label)

    # What runs call

    async def __aenter__(self) -> "HeldToolset":
        return self

    async def __aexit__(self, *args: Any) -> None:
        return None

    async def for_run(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:
        """This toolset, or the one that the wrapped toolset makes for the run (with the user's own credentials).

        The run enters and leaves a toolset that was made for it.
        """
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
        """Make a call for a run, and notice when it fails as if the connection were lost.

        The run cancels the call after `limit_s`. While the toolset is being entered, the call waits. When entering has
        failed, the call fails at once with an EngineError, so that the caller hears the apology instead of silence.
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
                self._lose(usable, "hangs")
            raise
        except Exception as exc:
            if may_be_lost(exc):
                self._lose(usable, type(exc.__cause__ or exc).__name__)
            raise
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def _lose(self, usable: asyncio.Future[bool], reason: str) -> None:
        """Have the toolset entered again. Later calls wait for that.

        Does nothing when the failed call used an earlier connection.
        """
        if usable is self._usable:
            self._usable = asyncio.get_running_loop().create_future()
            self._reason = reason
            self._lost.set()

    # The task that enters and leaves

    async def _keep(self) -> None:
        """Enter the toolset, and leave it when its connection is lost. Repeat this until `close` cancels the task."""
        loop, pause_s = asyncio.get_running_loop(), BACKOFF_S
        try:
            while True:
                began, attempt = loop.time(), self._usable
                await self._live_once()
                if attempt.done():
                    if attempt is self._usable:  # no call has noticed the loss
                        self._usable = loop.create_future()
                    pause_s = BACKOFF_S
                    await asyncio.sleep(began + BACKOFF_S - loop.time())
                else:
                    attempt.set_result(False)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, BACKOFF_MOST_S)
                    self._usable = loop.create_future()
                log.warning("x toolset is entered again: toolset=%s reason=%s", self.wrapped.label, self._reason)
        finally:
            if not self._usable.done():
                self._usable.set_result(False)

    async def _live_once(self) -> None:
        """Enter the toolset, and leave it when its connection is lost; then `_reason` tells why."""
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
                self._lost.clear()
                attempt.set_result(True)
                try:
                    await self._lost.wait()
                    await self._drain()
                finally:
                    await self._end_connection()
                    deadline.reschedule(loop.time() + LEAVE_S)
        except TimeoutError as exc:
            if deadline.expired():
                raise TimeoutError(f"longer than {LEAVE_S if attempt.done() else ENTER_S:g} s") from exc
            raise

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._idle.wait()

    async def _end_connection(self) -> None:
        """Close the client of an MCP toolset (`pydantic_ai.mcp.MCPToolset`), which does not do so when it is left.

        A stdio transport keeps its process alive and uses it again, even when the process hangs (`keep_alive`, the
        default). And the toolset stays entered while a call is running. Closing the client ends both, process and call.
        """
        close = getattr(getattr(self.wrapped, "client", None), "close", None)
        if close is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await close()
        await self._drain()


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
