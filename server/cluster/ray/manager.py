"""The actor that keeps the cluster as it is wanted: the number of its workers, their settings, and its door."""

import asyncio
import logging
from dataclasses import dataclass

import ray

from server.cluster.announcement import Announcement
from server.cluster.fleet import Fleet
from server.cluster.process import key_of
from server.cluster.ray.hosts import RayHosts
from server.cluster.ray.media_worker import Seat
from server.cluster.roster import Roster
from server.cluster.spec import ClusterSpec
from server.errors import NotFound, StoreError
from server.record.stores.redis_client import key_prefix, redis_client

NAME = "manager"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """One worker, as operators see it."""

    key: str
    generation: str
    seat: Seat | None
    """None: it waits for a machine with room, or for Ray to start it again."""
    worker: Announcement | None
    """None: its process does not announce itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole cluster, as operators see it."""

    spec: ClusterSpec
    workers: tuple[WorkerReport, ...]
    settled: bool
    """Whether all is as it is wanted."""
    trouble: str
    """Why it cannot tell more; "": it can."""


class Manager:
    """Ray starts it again with the same arguments. All else it finds out, so nothing depends on its memory."""

    def __init__(self, spec: ClusterSpec) -> None:
        """Ray calls it in the event loop of the actor. Raises ConfigError if the store is no Redis."""
        self._spec = spec
        self._redis = redis_client(spec.store)
        self._roster = Roster(self._redis, key_prefix(spec.store, "antiphon"))
        self._hosts = RayHosts(spec.worker)
        self._fleet = Fleet(self._hosts, self._roster, spec.bounds, spec.generation)
        self._task = asyncio.get_running_loop().create_task(self._fleet.run(), name="fleet")

    async def about(self) -> Report:
        """What there is now."""
        present: dict[str, Announcement] = {}
        settled, trouble = False, ""
        try:
            settled = await self._fleet.settled()  # first, so that nobody is listed who has left before
            present = {key_of(worker.name): worker for worker in await self._roster.present()}
        except StoreError as exc:
            trouble = str(exc)
        hosted = await self._hosts.present()
        workers = (
            WorkerReport(each.key, each.generation, self._hosts.seats.get(each.key), present.get(each.key))
            for each in hosted
        )
        return Report(self._spec, tuple(workers), settled, trouble)

    async def drain(self, name: str) -> str:
        """Let this worker drain, and put another one in its place. Returns what is wrong; "": nothing."""
        try:
            await self._fleet.drain(name)
        except (NotFound, StoreError) as exc:
            return str(exc)
        return ""

    async def down(self) -> None:
        """Let all workers drain and end, and end this actor."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._fleet.close()
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]
