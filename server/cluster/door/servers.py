"""The workers as HAProxy knows them, and the commands that tell it of others. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from server.cluster.announcement import Announcement

State = Literal["ready", "drain", "maint"]
_CHECK = "check inter 2s fall 3 rise 1"
"""How HAProxy finds out that a worker is gone when Redis cannot tell: it does not answer three times. This takes up to
12 s for a worker that hangs, and a busy one may be late twice."""
_POOL = "pool-purge-delay 2s"
"""Close connections to a worker that are idle, long before the worker itself does after 15 s: a request that meets its
end would fail."""
EXPECTED = (
    *("New server registered", "Server deleted", "IP changed", "port changed", "no need to change"),
    "Already exists",  # an earlier attempt has come halfway
)
"""How HAProxy's answers to these commands begin, if it says anything."""


@dataclass(frozen=True, slots=True)
class Server:
    """A worker as HAProxy knows it."""

    host: str
    """An IP address."""
    port: int
    state: State
    """ready: it is also given requests for which no worker was chosen. drain: only those that are for it. maint: none
    at all, but the connections that it has go on."""

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def commands(server: str, before: Server | None, now: Server) -> Iterator[str]:
    """What turns a server from what it was into what it is now. None: it was not there.

    `server` is its name, with that of the backend before it: `workers/w1`.
    """
    if before is None:
        yield f"add server {server} {now.address} {_CHECK} {_POOL}"
        yield f"enable health {server}"
    elif (before.host, before.port) != (now.host, now.port):
        yield f"set server {server} addr {now.host} port {now.port}"
    if before is None or before.state != now.state:
        yield f"set server {server} state {now.state}"
    if before is None or before.state == "maint":
        # One that has just begun may be late with its first answer, and HAProxy would take that alone for its end.
        yield f"set server {server} health up"


def removal(server: str) -> str:
    """Forget a server in the state `maint`. HAProxy refuses this while it has connections."""
    return f"del server {server}"


def told(workers: Iterable[Announcement]) -> str:
    """Tell placing.lua which workers there are, and how full they are."""
    parts = [f"{worker.name}/{worker.state}/{worker.calls}/{worker.places}/{worker.at_ms}" for worker in workers]
    return f"antiphon workers {','.join(parts) or '-'}"
