"""Workers on this machine, without Ray: child processes of this one."""

import asyncio
import logging
from collections.abc import Sequence

from server.cluster.fleet import Hosted
from server.cluster.keeper import Keeper
from server.cluster.spec import WorkerSpec

log = logging.getLogger(__name__)


class LocalHosts:
    """Each worker has a task that keeps it running. One that cannot start stays, so that no other is put in its place
    until the settings are others."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._workers: dict[str, tuple[Hosted, Keeper, asyncio.Task[None]]] = {}

    async def present(self) -> Sequence[Hosted]:
        """Raises ConfigError when none of them can start with these settings."""
        over = [task for _, _, task in self._workers.values() if task.done() and not task.cancelled()]
        if over and len(over) == len(self._workers):
            over[0].result()
        return [hosted for hosted, _, _ in self._workers.values()]

    async def start(self, key: str, generation: str) -> None:
        keeper = Keeper(key, self._spec)
        task = asyncio.get_running_loop().create_task(keeper.run(), name=f"worker-{key}")
        task.add_done_callback(_tell)
        self._workers[key] = (Hosted(key, generation, True), keeper, task)

    async def revive(self, key: str, url: str) -> None:
        if key in self._workers:
            await self._workers[key][1].revive(url)

    async def stop(self, key: str) -> None:
        if key in self._workers:
            _, _, task = self._workers[key]
            task.cancel()
            await asyncio.wait({task})
            self._workers.pop(key, None)


def _tell(task: asyncio.Task[None]) -> None:
    """Say why a worker is not there."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        log.error("x %s is not kept running: %s", task.get_name(), failure)
