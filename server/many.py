"""`antiphon serve --workers N`: several workers on this machine behind one address, without Ray."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from antiphon import __version__
from server.cli_door import door_settings
from server.cluster.door.door import Door
from server.cluster.fleet import Fleet
from server.cluster.local import LocalHosts
from server.cluster.plan import Bounds
from server.cluster.roster import Roster
from server.cluster.spec import ClusterSpec, WorkerSpec
from server.config import Settings
from server.engines import Print
from server.errors import ConfigError, StoreError
from server.record.stores.redis_client import is_redis, key_prefix, redis_client
from server.variables import variable

READY_POLL_S = 0.2
"""How often it is looked whether the workers are ready."""

log = logging.getLogger(__name__)


def cluster_spec(settings: Settings, given: Mapping[str, str], bounds: Bounds) -> ClusterSpec:
    """The cluster that the settings name. `given` is what of them is not in the environment of the workers anyway.

    Raises ConfigError if the workers would have no store that they share.
    """
    store = settings.store.get_secret_value()
    if not is_redis(store):
        raise ConfigError(
            "several workers share one Redis, so give its address: --store redis://127.0.0.1:6379 "
            "(apt-get install redis-server)"
        )
    of_the_door = {"workers": "1", "operations_port": "0", "worker_url": "", "node": ""}
    worker = {**given, "ANTIPHON_STORE": store, **{variable(name): value for name, value in of_the_door.items()}}
    return ClusterSpec(
        store=store,
        bounds=bounds,
        worker=WorkerSpec(worker, settings.drain_s, os.getcwd()),
        door=replace(door_settings(settings), port=settings.port or _free_port(settings.host)),
        version=__version__,
    )


def _free_port(host: str) -> int:
    """A port that nothing listens on now: HAProxy cannot tell which one it has found. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, 0), family=family) as found:
            return int(found.getsockname()[1])
    except OSError as exc:
        raise ConfigError(f"ANTIPHON_HOST: this machine cannot listen at {host}: {exc.strerror}") from exc


async def serve_many(settings: Settings, say: Print, given: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. SIGHUP replaces the workers, one after the other, and loses no call.

    Raises ConfigError if it cannot start.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    here = {variable("worker_host"): "127.0.0.1", variable("doors"): "127.0.0.1"}
    spec = cluster_spec(settings, {**given, **here}, Bounds(settings.workers, settings.workers))
    async with AsyncExitStack() as stack:
        redis = redis_client(spec.store)
        stack.push_async_callback(redis.aclose)
        roster = Roster(redis, key_prefix(spec.store, "antiphon"))
        await check_store(roster)
        door = Door(roster, spec.door)
        await door.start()
        stack.push_async_callback(door.close)
        fleet = Fleet(LocalHosts(spec.worker), roster, spec.bounds, spec.generation)
        stack.push_async_callback(fleet.close)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, _roll, fleet)
        running = loop.create_task(fleet.run(), name="fleet")
        stack.push_async_callback(_end, running)
        waiting = loop.create_task(_say_when_ready(fleet, door, say), name="ready")
        stack.push_async_callback(_end, waiting)
        stopping = loop.create_task(stop.wait(), name="stop")
        stack.push_async_callback(_end, stopping)
        done, _ = await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            running.result()
        say(f"Stopping: calls may go on for {settings.drain_s:g} s.")


async def check_store(roster: Roster, wait_s: float = 0.0) -> None:
    """Raises ConfigError if Redis does not answer within so many seconds."""
    until_s = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            await roster.present()
            return
        except StoreError as exc:
            if asyncio.get_running_loop().time() >= until_s:
                raise ConfigError("ANTIPHON_STORE: Redis does not answer there, and several workers need it") from exc
        await asyncio.sleep(READY_POLL_S)


async def check_redis(store: str, wait_s: float) -> None:
    """The same for the address of a Redis."""
    redis = redis_client(store)
    try:
        await check_store(Roster(redis, key_prefix(store, "antiphon")), wait_s)
    finally:
        await redis.aclose()


async def _say_when_ready(fleet: Fleet, door: Door, say: Print) -> None:
    while True:
        with contextlib.suppress(StoreError):
            if await fleet.settled() and door.known >= fleet.bounds.least:
                break
        await asyncio.sleep(READY_POLL_S)
    say(f"workers         {fleet.bounds.least}; SIGHUP replaces them one after the other")
    say(f"Antiphon is at  {door.url}")


def _roll(fleet: Fleet) -> None:
    log.info("- SIGHUP: the workers are replaced, one after the other")
    fleet.generation = f"{fleet.generation.partition('.')[0]}.{asyncio.get_running_loop().time():.6f}"


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
