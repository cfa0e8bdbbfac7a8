"""Makes the server a worker of a cluster, if the settings say so: it is announced, and finds the other workers."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from antiphon import __version__
from server.call.desk.admission import Refusal
from server.call.desk.directory import Directory
from server.choices import Keeper, wall_ms
from server.cluster.admin import ClusterAdmin
from server.cluster.announcement import Announcement, State
from server.cluster.elsewhere import Elsewhere
from server.cluster.fellows import Fellows
from server.cluster.member import Member
from server.cluster.passing import Passing
from server.cluster.relay import Relay
from server.cluster.roster import Roster
from server.config import Settings
from server.errors import ConfigError
from server.record.stores.redis import RedisStore
from server.web import Sites
from signaling.admin import Admin
from signaling.health import Health
from signaling.sip.user_agent import UserAgent

ANYWHERE = ("0.0.0.0", "::")
"""The addresses that mean all addresses of a machine."""


async def join(
    settings: Settings, keeper: Keeper, sites: Sites, parts: Health, stack: AsyncExitStack
) -> "Membership | None":
    """Join the cluster whose Redis the settings name. The stack leaves it. None: the server stands alone.

    Raises ConfigError if it cannot be a worker.
    """
    if not settings.worker:
        return None
    if not isinstance(keeper.store, RedisStore):
        raise ConfigError("ANTIPHON_WORKER: workers share one Redis, so ANTIPHON_STORE has to name it")
    membership = Membership(settings, keeper.store, sites, parts)
    stack.push_async_callback(membership.close)
    return membership


class Membership:
    """How this server is a worker."""

    def __init__(self, settings: Settings, store: RedisStore, sites: Sites, parts: Health) -> None:
        self._store = store
        self.directory: Directory | None = None
        """The calls; None while the server starts."""
        self._settings = settings
        self._sites = sites
        self._parts = parts
        self._since_ms = wall_ms()
        self._host = _host(settings)
        self._url, self._operations_url = self._urls()
        self.member = Member(settings.worker, Roster(store.redis, store.prefix), self.about)
        self.fellows = Fellows(self.member, sites.proxies)
        self.relay = Relay(self.fellows)

    async def open(self, directory: Directory, stack: AsyncExitStack) -> None:
        """The server takes calls from now on. The stack cuts the connections that are passed on."""
        stack.callback(self.relay.close)
        self.directory = directory
        await self.member.announce()

    def guard(self, directory: Directory, phones: UserAgent, stop: Callable[[], None]) -> None:
        """Let the sites pass requests on, and serve the operators of the cluster. `stop` begins the drain."""
        fellows, sites = self.fellows, self._sites
        refuses = lambda: directory.refusal() is not None  # noqa: E731
        passing = Passing(fellows, self.relay, self._store, directory, refuses)
        admin = Admin(self._settings.admin_token.get_secret_value())
        ClusterAdmin(fellows, admin, lambda to: bool(phones.phones(to)), stop).add_to(sites.operations)
        passing.guard(sites.public, for_operators=sites.operations is sites.public)
        if sites.operations is not sites.public:
            passing.guard(sites.operations, for_operators=True)

    async def drain(self, directory: Directory, deadline_s: float, saved: Callable[[str], bool]) -> None:
        """Move the calls to other workers as soon as they are quiet and saved, while these have room for them. The rest
        goes on until the deadline."""
        await asyncio.gather(
            directory.drain(deadline_s, elsewhere=Elsewhere(self.member, saved)),  # first, so the others hear of it
            self.member.announce(),
        )

    async def close(self) -> None:
        """Leave the cluster."""
        await self.fellows.close()
        await self.member.close()

    def about(self) -> Announcement:
        """What the others are told about this worker now."""
        settings, directory = self._settings, self.directory
        state, why = self._state()
        return Announcement(
            settings.worker, self._url, settings.node or socket.gethostname(), os.getpid(), __version__,
            self._since_ms, state, why, len(directory) if directory else 0, directory.detached if directory else 0,
            settings.max_calls, self._operations_url,
        )  # fmt: skip

    def _state(self) -> tuple[State, str]:
        reason = self._parts.reason()
        if self.directory is None:
            return "starting", reason
        if (refusal := self.directory.refusal()) is Refusal.DRAINING:
            return "draining", refusal.sentence
        if refusal is not None:
            return "full", refusal.sentence
        return ("unready", reason) if reason else ("ready", "")

    def _urls(self) -> tuple[str, str]:
        """Where the others reach the two sites."""
        of_callers, of_operators = (self._reached(url) for url in self._sites.urls)
        return self._settings.worker_url or of_callers, "" if of_operators == of_callers else of_operators

    def _reached(self, url: str) -> str:
        """The address of a site, for other machines."""
        parts = urlsplit(url)
        if parts.hostname not in ANYWHERE:
            return url
        return f"http://[{self._host}]:{parts.port}" if ":" in self._host else f"http://{self._host}:{parts.port}"


def _host(settings: Settings) -> str:
    """The address of this machine, for the others: that of `worker_url`, or the one by which it reaches Redis."""
    if settings.worker_url:
        return urlsplit(settings.worker_url).hostname or ""
    redis = urlsplit(settings.store.get_secret_value()).hostname or "192.0.2.1"  # an address that is nobody's
    try:
        found = socket.getaddrinfo(redis, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], socket.SOCK_DGRAM) as probe:
            probe.connect(found[4])  # this sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
