"""Openings: how the calls of this server begin, and go on: with which agent, which engines and which figures."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from server.agent.agents import Agents
from server.agent.dependencies import dependencies
from server.agent.passing_on import HandOver
from server.agent.voice_agent import VoiceAgent
from server.call.caller import Caller
from server.call.control_token import ControlTokens
from server.call.mind.brought import check_brought
from server.call.mind.language import check_language, stages_of
from server.call.options import CallOptions
from server.call.session import Observed, Session
from server.call.setup import CallSetup, Engines
from server.call.trace import UNTRACED, CallTrace
from server.choices import Keeper, call_info, call_settings, has_model, told_before, wall_ms
from server.config import Settings
from server.errors import AgentUnavailable, PeerError
from server.record.conversation import Conversation
from server.record.minutes import Minutes
from server.webhooks.webhooks import Around

Follow = Callable[[Conversation, Around], Callable[[Conversation], None]]
"""Gives what the records of a call that come after this one are noted with."""


class Traced(CallTrace, Protocol):
    """Follows one call, and is shown what happens in it."""

    traceparent: str
    """The trace of the call (W3C Trace Context)."""

    def observe(self, observed: Observed) -> None: ...


@dataclass(frozen=True, slots=True)
class Onlookers:
    """Who is shown what happens in calls."""

    observe: Callable[[Observed], object]
    """Is shown it for all calls."""
    trace: Callable[[Conversation, Caller], Traced] | None = None
    """Gives who follows one call; None: nobody does."""


class Openings:
    """Makes the sessions of one server. `follow` keeps the records of each; `onlookers` are shown what happens."""

    def __init__(
        self,
        settings: Settings,
        agents: Agents,
        engines: Callable[[Caller, CallOptions], Engines],
        keeper: Keeper,
        follow: Follow,
        onlookers: Onlookers,
    ) -> None:
        """`engines` gives those of one call. It raises PeerError where the call may not have what it has chosen."""
        self._settings = settings
        self._agents = agents
        self._engines = engines
        self._keeper = keeper
        self._follow = follow
        self._onlookers = onlookers

    def open(self, caller: Caller, options: CallOptions) -> Callable[[str], Awaitable[Session]]:
        """What makes a new session with an id. Raises PeerError when the call may not have the options.

        What it returns raises that, too, and AgentUnavailable.
        """
        engines = self._engines(caller, options)

        async def session_with(session_id: str) -> Session:
            info = told_before(caller)
            name = await self._agents.choose(caller.agent, info)
            agent, now_ms = self._agents[name], wall_ms()
            check_brought(agent, options)
            if engines.model is None and not has_model(agent.agent):  # only one that the operator has not named
                raise AgentUnavailable(
                    "The agent has no language model here. The operator names one in ANTIPHON_MODEL."
                )
            check_language(options.language, stages_of(agent, engines))
            record = Conversation(
                session_id, agent.name, now_ms, now_ms, caller=caller.name, transport=caller.transport
            )
            return await self._session(record, name, caller, options, engines)

        return session_with

    def restore(self, caller: Caller, options: CallOptions) -> Callable[[Conversation], Awaitable[Session]]:
        """The same for a session that goes on where its record stands."""
        engines = self._engines(caller, options)

        async def session_of(record: Conversation) -> Session:
            name = self._agents.kept(record.standing.agent)
            return await self._session(record, name, caller, options, engines)

        return session_of

    async def _session(
        self, record: Conversation, name: str, caller: Caller, options: CallOptions, engines: Engines
    ) -> Session:
        trace: CallTrace = UNTRACED
        observe = self._onlookers.observe
        if self._onlookers.trace is not None:
            trace = traced = self._onlookers.trace(record, caller)
            record = replace(record, traceparent=record.traceparent or traced.traceparent)
            observe = _both(observe, traced.observe)
        language, state = record.standing.language, record.agent_state
        try:
            setup = await self._setup(name, caller, options, engines, language, state, trace=trace)
        except BaseException:
            trace.end("refused")
            raise
        recorder = self._keeper.recorder(record.id) if caller.record is not False else None
        language = call_info(caller, language, setup.options.language, setup.agent).language
        note = self._follow(record, Around(caller.transport, language))
        minutes = Minutes(record, note, wall_ms, asyncio.get_running_loop().time)
        return Session(minutes, setup, recorder, observe)

    async def _setup(
        self,
        name: str,
        caller: Caller,
        options: CallOptions,
        engines: Engines,
        language: str,
        state: str,
        handed_over: HandOver | None = None,
        trace: CallTrace = UNTRACED,
    ) -> CallSetup:
        """What the agent of this name holds the call with, which is held in `language`; "" is not known.

        Raises AgentUnavailable.
        """
        agent, functions = self._agents[name], self._agents.functions
        options = _possible(options, agent, engines)
        info = call_info(caller, language, options.language, agent)
        deps = await dependencies(agent, functions, state, replace(info, handed_over=handed_over))
        settings_for = partial(call_settings, self._settings, agent)

        async def colleague(wish: HandOver, language: str) -> CallSetup:
            other = self._agents.find(wish.agent)
            plain = options.model_copy(update={"voice": ""})  # it was chosen for the first agent
            return await self._setup(other, caller, plain, engines, language, "", wish, trace)

        tokens = ControlTokens(self._settings.admin_token.get_secret_value())
        return CallSetup(
            agent, deps, engines, settings_for(options), options, caller, functions, name, colleague, settings_for,
            tokens, trace,
        )  # fmt: skip


def _possible(options: CallOptions, agent: VoiceAgent, engines: Engines) -> CallOptions:
    """The options, without a language that this agent does not know: it was chosen for another one."""
    try:
        check_language(options.language, stages_of(agent, engines))
    except PeerError:
        return options.model_copy(update={"language": ""})
    return options


def _both(first: Callable[[Observed], object], second: Callable[[Observed], object]) -> Callable[[Observed], None]:
    def observe(observed: Observed) -> None:
        first(observed)
        second(observed)

    return observe
