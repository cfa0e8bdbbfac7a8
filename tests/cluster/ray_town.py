"""A real Ray of three machines on loopback, with a cluster in it: three workers, a door, and a Redis."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster
from redis.asyncio import Redis

from server.cluster.announcement import Announcement
from server.cluster.plan import Bounds
from server.cluster.ray import joining, priority
from server.cluster.ray.cluster import Overview, RayCluster
from server.cluster.roster import Roster
from server.config import load
from server.many import cluster_spec
from server.variables import variable
from tests.cluster.clerk import Clerk
from tests.cluster.kept_calls import UNLIMITED
from tests.fakes.openai_server import openai_server
from tests.redis_server import RedisServer, redis_server

MACHINES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
"""Ray replaces 127.0.0.1 by an address of the network."""
WORKERS = 3
CORES = 2
"""Of each machine: enough for the workers of one that dies."""
SETTLE_S = 240.0
"""How long the cluster may take until all is as it is wanted, on a busy machine."""


@dataclass
class Town:
    """The cluster, and what a test may break of it."""

    cluster: RayCluster
    machines: Cluster
    redis: RedisServer
    clerk: Clerk
    url: str
    roster: Roster

    async def settled(self, wanted: Callable[[Overview], bool] = lambda seen: True) -> Overview:
        """Wait until all is as it is wanted."""

        def as_wanted(seen: Overview) -> bool:
            return seen.settled and wanted(seen)

        seen = await asyncio.to_thread(self.cluster.wait, as_wanted, SETTLE_S)
        assert as_wanted(seen), seen
        return seen

    async def workers(self) -> list[Announcement]:
        return [worker for worker in await self.roster.present() if worker.state != "draining"]

    async def kill_machine(self) -> str:
        """End a machine that is not the head at once, with all that runs on it; the name of its worker."""
        seen = await self.settled()
        worker = next(each for each in seen.report.workers if each.seat and each.seat.host != MACHINES[0])
        assert worker.seat is not None
        assert worker.worker is not None
        node = next(each for each in self.machines.list_all_nodes() if each.node_ip_address == worker.seat.host)
        for process in [each.process for kind in node.all_processes.values() for each in kind]:
            _kill_all(process.pid)
        await asyncio.to_thread(self.machines.remove_node, node, allow_graceful=False)
        return worker.worker.name

    async def kill_door(self) -> None:
        """End HAProxy, and the actor that keeps it."""
        haproxy = (await self.settled()).door.pid
        _kill_all(_parent(haproxy))


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _kill_all(pid: int) -> None:
    """End a process, and all that it has started. The children are looked for first: later they would be nobody's."""
    children = [child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    for child in children:
        _kill_all(int(child))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def town(directory: Path) -> AsyncIterator[Town]:
    """Start everything, and end it."""
    clerk = Clerk(directory)
    with redis_server(directory) as redis:
        async with openai_server() as speech, Redis.from_url(redis.url, decode_responses=True) as client:
            machines = _machines()  # Ray wants the main thread
            try:
                cluster = await asyncio.to_thread(joining.join, machines.address)
                settings = _settings(redis.url, clerk.place, speech.base_url)
                spec = cluster_spec(load(**settings), _variables(settings, cluster.head), Bounds(WORKERS, WORKERS))
                await asyncio.to_thread(cluster.up, spec)
                here = Town(cluster, machines, redis, clerk, f"http://127.0.0.1:{spec.door.port}", Roster(client))
                await here.settled(lambda seen: seen.door.workers == WORKERS)  # one that is full would get no calls
                try:
                    yield here
                finally:
                    await asyncio.to_thread(cluster.down)
            finally:
                await asyncio.to_thread(joining.leave)
                await asyncio.to_thread(machines.shutdown)


def _machines() -> Cluster:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", **priority.VARIABLES}
    cluster = Cluster()
    for host in MACHINES:
        cluster.add_node(
            num_cpus=CORES, node_ip_address=host, object_store_memory=joining.OBJECT_STORE_BYTES,
            include_dashboard=False, include_log_monitor=False, wait=False,
        )  # fmt: skip
    cluster.wait_for_nodes()
    return cluster


def _settings(store: str, agent: str, speech: str) -> dict[str, Any]:
    return {
        "store": store, "agent": agent, "port": _free_port(), "drain_s": 20, "max_calls": 60,
        "stt": "openai", "stt_url": speech, "tts": "openai", "tts_url": speech, "endpoint_model": "none",
        "media_addresses": "127.0.0.1", "remote_candidates": "local",
        "admission_lag_ms": 1e9, "admission_wait_ms": 1e9, **UNLIMITED,
    }  # fmt: skip


def _variables(settings: dict[str, Any], head: str) -> dict[str, str]:
    doors = {variable("doors"): f"127.0.0.1,{head}"}
    return {variable(name): str(value) for name, value in settings.items()} | doors


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
