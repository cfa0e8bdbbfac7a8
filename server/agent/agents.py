"""Agents: the agents of a server, each by the name under which it is reached, and which of them answers a call."""

import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from server.agent.call_info import CallInfo
from server.agent.dependencies import log_failure
from server.agent.functions import Functions
from server.agent.voice_agent import VoiceAgent
from server.errors import AgentUnavailable, Forbidden, NotFound

NAME = re.compile(r"[\w.+-]{1,64}")
"""The names that an agent may have. A telephone number is one of them."""
_NUMBER = re.compile(r"\+?[\d ()./-]+")

Router = Callable[[CallInfo], Any]
"""Returns the name of the agent that answers a call; "" has no opinion. It may be `async`."""

log = logging.getLogger(__name__)


class Agents:
    """The agents of one server. The first one answers the calls that ask for none."""

    def __init__(
        self,
        agents: Mapping[str, VoiceAgent],
        router: Router | None = None,
        functions: Functions | None = None,
        unlisted: Mapping[str, VoiceAgent] = MappingProxyType({}),
    ) -> None:
        """`functions` runs the `router`, and what the authors of agents have written. Agents that are `unlisted` answer
        only who asks for them by their name."""
        self.by_name = dict(agents)
        self._unlisted = dict(unlisted)
        self._names = {_plain(name): name for name in (*self._unlisted, *self.by_name)}
        self._router = router
        self.functions = functions or Functions(limit_s=10.0)

    async def started(self, start: Callable[[VoiceAgent], Awaitable[VoiceAgent]]) -> "Agents":
        """The same with each agent started, which raises whatever `start` raises."""
        ready = {id(agent): await start(agent) for agent in self}
        by_name = {name: ready[id(agent)] for name, agent in self.by_name.items()}
        return Agents(by_name, self._router, self.functions, self._unlisted)

    @property
    def first(self) -> str:
        """The name of the first agent."""
        return next(iter(self.by_name))

    def reached(self, agent: VoiceAgent) -> str:
        """For the operator: where callers reach the agent, if there are several."""
        if len(self.by_name) == 1:
            return ""
        return f" at {', '.join(f'/agents/{name}' for name, each in self.by_name.items() if each is agent)}"

    def __iter__(self) -> Iterator[VoiceAgent]:
        """Each listed agent once, also one that has several names."""
        return iter({id(agent): agent for agent in self.by_name.values()}.values())

    def __getitem__(self, name: str) -> VoiceAgent:
        """The agent that `find` or `choose` has named."""
        return self.by_name[name] if name in self.by_name else self._unlisted[name]

    def find(self, wanted: str) -> str:
        """The name of the agent that is reached under `wanted`. Raises NotFound.

        Capitals do not matter, nor does how a telephone number is written.
        """
        if (name := self._names.get(_plain(wanted))) is None:
            raise NotFound(f"There is no agent {wanted!r} here.")
        return name

    def about(self, dialled: str) -> VoiceAgent:
        """The agent that a client may show before a call for which this was dialled. Raises NotFound.

        Where a router decides, and does not only know names, it is the first one.
        """
        try:
            return self[self.find(dialled)] if dialled else self[self.first]
        except NotFound:
            if self._router is None:
                raise
            return self[self.first]

    def kept(self, name: str) -> str:
        """The name of the agent that goes on with a call, which the agent of this name had; "" is not known."""
        try:
            return self.find(name) if name else self.first
        except NotFound:
            log.warning("x a call comes back to its agent %r, which is not here: %s goes on", name, self.first)
            return self.first

    async def choose(self, bound: str, info: CallInfo) -> str:
        """The name of the agent that answers a new call.

        `bound` is the name that the caller's token has; "" if it is good for any. Without one the router decides, then
        what was dialled. Raises NotFound, Forbidden, and AgentUnavailable when the router fails.
        """
        if bound:
            name = self._bound(bound)
            if info.dialled and name != self.find(info.dialled):
                raise Forbidden("The token is for another agent (agent).")
            return name
        if self._router is not None and (chosen := await self._ask(self._router, info)):
            return chosen
        return self._dialled(info) if info.dialled else self.first

    def _dialled(self, info: CallInfo) -> str:
        """A number that a telephone has dialled need not name an agent: it reaches the first one. Raises NotFound."""
        try:
            return self.find(info.dialled)
        except NotFound:
            if info.transport not in ("sip", "telephone") or not _NUMBER.fullmatch(info.dialled):
                raise
            return self.first

    @property
    def names(self) -> frozenset[str]:
        """What a token may call the agent that it is for: all names, and what the agents call themselves."""
        return frozenset(self.by_name) | frozenset(self._unlisted) | {agent.name for agent in self}

    def _bound(self, bound: str) -> str:
        titles = {agent.name: name for name, agent in reversed(self.by_name.items())}
        return bound if bound in self.by_name or bound in self._unlisted else titles[bound]

    async def _ask(self, router: Router, info: CallInfo) -> str:
        try:
            wanted = await self.functions.call(router, info)
            return self.find(wanted) if wanted else ""
        except Exception as error:  # the operator's own function
            log_failure("the router", error)
            raise AgentUnavailable("No agent can take this call. Please try again later.") from error


def _plain(name: str) -> str:
    """A name as it is compared."""
    return re.sub(r"[ ()./-]", "", name) if _NUMBER.fullmatch(name) else name.casefold()
