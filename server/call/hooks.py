"""Hooks: runs the hooks of an agent for one call, one after the other and beside the call."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from server.agent.dependencies import log_failure
from server.agent.hooks import CallEnd, CallExchange, CallTool
from server.agent.voice_agent import VoiceAgent
from server.call.setup import CallSetup
from server.errors import EngineError
from server.record.conversation import Exchange

MOST_WAITING = 100
"""How many hooks of one call may wait for the one that runs. When there are more, exchanges are left out."""


class Hooks:
    """The hooks of one call. They run in `run`, which whoever starts the call has to start, too.

    A hook that fails or takes too long changes nothing in the call, and the next one runs.
    """

    def __init__(self, setup: CallSetup, call_id: str, failed: Callable[[EngineError], object]) -> None:
        """`failed` is told of each hook that has failed."""
        self._setup = setup
        self._id = call_id
        self._failed = failed
        self._waiting: deque[tuple[VoiceAgent, str, Callable[..., Any], tuple[Any, ...]]] = deque()
        """The agent and the name of each hook, and what it is called with: the dependencies first."""
        self._woken = asyncio.Event()
        self._closed = False

    def begin(self) -> None:
        """A new call has begun."""
        self._add("on_start", self._setup.agent.on_start)

    def hand_over(self, setup: CallSetup, end: CallEnd) -> None:
        """The call is over for its agent, with this `end`, and begins for another one."""
        self._add("on_end", self._setup.agent.on_end, end)
        self._setup = setup
        self.begin()

    def exchanged(self, exchange: Exchange) -> None:
        """An exchange is over."""
        if len(self._waiting) < MOST_WAITING:
            self._add("on_exchange", self._setup.agent.on_exchange, _told(exchange))
        elif self._setup.agent.on_exchange is not None:
            self._fail(self._setup.agent, "on_exchange", RuntimeError("the hooks before it take too long"))

    def close(self, end: CallEnd | None) -> None:
        """The call is over here, with this `end` if it is over for good. `run` returns when all hooks have run."""
        if not self._closed:
            self._closed = True
            if end is not None:
                self._add("on_end", self._setup.agent.on_end, end)
            self._woken.set()

    async def run(self) -> None:
        """Run the hooks until the call is over."""
        while self._waiting or not self._closed:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
                continue
            agent, name, hook, told = self._waiting.popleft()
            try:
                await self._setup.functions.call(hook, *told)
            except Exception as error:  # the agent's own fault
                self._fail(agent, name, error)

    def _add(self, name: str, hook: Callable[..., Any] | None, *told: Any) -> None:
        if hook is not None:
            self._waiting.append((self._setup.agent, name, hook, (self._setup.deps, *told)))
            self._woken.set()

    def _fail(self, agent: VoiceAgent, name: str, error: Exception) -> None:
        log_failure(f"call {self._id}: {name} of {agent.name}", error)
        failure = EngineError("hook", f"{name} failed")
        failure.__cause__ = error
        self._failed(failure)


def _told(exchange: Exchange) -> CallExchange:
    """The exchange as authors know it."""
    of = {said.who: said for said in exchange.said}
    caller, agent = of.get("caller"), of.get("agent")
    uses = agent.tools if agent is not None else ()
    return CallExchange(
        caller.text if caller is not None else "",
        agent.text.strip() if agent is not None else "",
        agent is not None and agent.interrupted,
        tuple(CallTool(use.name, use.arguments, use.result) for use in uses),
        min((said.start_ms for said in exchange.said), default=0),
        max((said.end_ms for said in exchange.said), default=0),
    )
