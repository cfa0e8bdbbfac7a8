"""The actor that keeps the door open on the machine where callers expect it: the head of Ray."""

import asyncio
from dataclasses import dataclass

import ray
from ray.util import get_node_ip_address

from server.cluster.door.door import Door
from server.cluster.ray.priority import raise_priority
from server.cluster.roster import Roster
from server.cluster.spec import ClusterSpec
from server.errors import ConfigError
from server.record.stores.redis_client import key_prefix, redis_client

AGAIN_S = 2.0
"""How often it tries again to open the door while something else has the port."""
CLOSE_S = 1.0
"""How long connections may go on when the door closes for good. The workers have ended all calls before."""


@dataclass(frozen=True, slots=True)
class DoorReport:
    """The door, as operators see it."""

    host: str
    """The machine on which it is; "": none yet."""
    trouble: str
    """Why it is not open; "": it is."""
    pid: int
    """The process id of HAProxy; 0: it does not run."""
    workers: int
    """To how many workers it gives new calls."""


class DoorKeeper:
    """The door of `spec`. When it dies, HAProxy dies with it, and Ray starts another one, which opens it again."""

    def __init__(self, spec: ClusterSpec) -> None:
        """Ray calls it in the event loop of the actor."""
        raise_priority()
        self._redis = redis_client(spec.store)
        self._door = Door(Roster(self._redis, key_prefix(spec.store, "antiphon")), spec.door)
        self._trouble = "The door is being opened."
        self._task = asyncio.get_running_loop().create_task(self._open(), name="door")

    async def about(self) -> DoorReport:
        """How the door is now."""
        pid = 0 if self._trouble else self._door.pid
        host = get_node_ip_address()  # type: ignore[no-untyped-call]
        return DoorReport(host, self._trouble, pid, self._door.known)

    async def close(self) -> None:
        """Close the door, and end this actor for good."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._door.close(CLOSE_S)
        await self._redis.aclose()
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    async def _open(self) -> None:
        while True:
            try:
                await self._door.start()
            except ConfigError as exc:
                self._trouble = str(exc)
                await asyncio.sleep(AGAIN_S)
            else:
                self._trouble = ""
                return
