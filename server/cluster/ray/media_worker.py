"""The actor that keeps one media worker running on the machine where Ray has placed it."""

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace

import ray
from ray.util import get_node_ip_address

from server.cluster.keeper import Keeper
from server.cluster.ray.priority import raise_priority
from server.cluster.spec import WorkerSpec
from server.errors import ConfigError

CORES = 1
"""What a worker takes of its machine: media is computed on one core."""

COMPLAINT = "antiphon: "
"""How the line begins in which the command line says what is wrong."""
LAST_BYTES = 64 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a worker runs, as its actor tells."""

    node: str
    """The id of the machine in Ray."""
    host: str
    pid: int | None
    restarts: int
    trouble: str
    """Why its process does not run; "": it does."""


class MediaWorker:
    """One worker. When its process dies, this starts another; when this dies, Ray starts another one of this, and the
    process ends with it; when the machine dies, Ray does so on another machine."""

    def __init__(self, key: str, spec: WorkerSpec) -> None:
        """Ray calls it in the event loop of the actor."""
        raise_priority()
        self._host = str(get_node_ip_address())  # type: ignore[no-untyped-call]
        self._node = ray.get_runtime_context().get_node_id()
        here = {"ANTIPHON_WORKER_HOST": self._host, "ANTIPHON_NODE": f"{self._host}/{self._node[:6]}"}
        self._keeper = Keeper(key, replace(spec, settings={**spec.settings, **here}))
        self._trouble = ""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"worker-{key}")

    async def about(self) -> Seat:
        """Where it runs. Only an actor that has been placed answers."""
        return Seat(self._node, self._host, self._keeper.pid, self._keeper.restarts, self._trouble)

    async def revive(self, url: str) -> None:
        """End the process at once, if it does not answer at this address; another one is started."""
        await self._keeper.revive(url)

    async def stop(self) -> None:
        """Let the worker drain and end, and end this actor for good."""
        self._task.cancel()
        await asyncio.wait({self._task})
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    async def _run(self) -> None:
        try:
            await self._keeper.run()
        except ConfigError:
            self._trouble = f"cannot start: {_last_words() or 'its log says why'}"
            log.error("! a worker %s", self._trouble)
        except Exception as exc:
            self._trouble = repr(exc)
            log.exception("x fault in what keeps a worker running")


def _last_words() -> str:
    """What a command of ours has said last of what is wrong, in the file to which standard error goes; "": nothing."""
    with suppress(OSError), open("/proc/self/fd/2", "rb") as log_file:
        log_file.seek(max(0, os.fstat(log_file.fileno()).st_size - LAST_BYTES))
        lines = log_file.read().decode(errors="replace").splitlines()
        said = [line.removeprefix(COMPLAINT) for line in lines if line.startswith(COMPLAINT)]
        return said[-1] if said else ""
    return ""
