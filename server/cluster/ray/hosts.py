"""The machines of Ray as hosts of workers: an actor for each worker."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError

from server.cluster import keeper
from server.cluster.fleet import Hosted
from server.cluster.ray.media_worker import CORES, MediaWorker, Seat
from server.cluster.spec import WorkerSpec

NAMESPACE = "antiphon"
"""In it our actors have their names."""
_PREFIX = "worker-"
ANSWER_S = 1.0
"""How long an actor may take to say where it is. One that waits for a machine does not answer."""

log = logging.getLogger(__name__)


class RayHosts:
    """All workers that Ray has. New ones get the settings in `spec`; those that are there keep theirs."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self.seats: dict[str, Seat] = {}
        """Where each worker is, by its key, as far as it has been placed."""

    async def present(self) -> Sequence[Hosted]:
        names = [name for name in await asyncio.to_thread(ray.util.list_named_actors) if name.startswith(_PREFIX)]
        seats = await asyncio.gather(*map(_seat, names))
        found = [_parts(name) for name in names]
        self.seats = {key: seat for (key, _), seat in zip(found, seats, strict=True) if seat is not None}
        return [Hosted(key, generation, key in self.seats) for key, generation in found]

    async def start(self, key: str, generation: str) -> None:
        options = {
            "name": f"{_PREFIX}{key}-{generation}",
            "namespace": NAMESPACE,
            "lifetime": "detached",
            "num_cpus": CORES,
            "max_restarts": -1,
            "scheduling_strategy": "SPREAD",  # a machine that dies takes as few workers with it as possible
            "max_concurrency": 8,
        }
        actor: Any = ray.remote(MediaWorker)
        actor.options(**options).remote(key, self._spec)

    async def revive(self, key: str, url: str) -> None:
        for name in await _actors_of(key):
            with suppress(RayError, ValueError, TimeoutError):
                actor = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
                async with asyncio.timeout(2 * keeper.ANSWER_S):
                    await actor.revive.remote(url)

    async def stop(self, key: str) -> None:
        for name in await _actors_of(key):
            await end(name, "stop", self._spec.drain_s + keeper.STOP_S + 5)


async def end(name: str, method: str, deadline_s: float) -> None:
    """Let the actor with this name end by its own method, and end it after the deadline. Idempotent."""
    try:
        actor = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
    except ValueError:  # it is not there
        return
    try:
        async with asyncio.timeout(deadline_s):
            await getattr(actor, method).remote()
    except RayError:  # it has ended, as it should
        return
    except TimeoutError:
        log.warning("! the actor %s does not end, and is killed", name)
    await asyncio.to_thread(ray.kill, actor, no_restart=True)


async def _actors_of(key: str) -> Sequence[str]:
    names = await asyncio.to_thread(ray.util.list_named_actors)
    return [name for name in names if name.startswith(f"{_PREFIX}{key}-")]


def _parts(name: str) -> tuple[str, str]:
    """The key and the generation of the worker with this name."""
    key, _, generation = name.removeprefix(_PREFIX).partition("-")
    return key, generation


async def _seat(name: str) -> Seat | None:
    try:
        actor = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
        async with asyncio.timeout(ANSWER_S):
            seat: Seat = await actor.about.remote()
            return seat
    except (RayError, ValueError, TimeoutError):
        return None
