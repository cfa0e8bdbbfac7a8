"""Workers on this machine, without Ray: child processes of this one."""

import asyncio
from collections.abc import Sequence

from server.cluster.fleet import Hosted
from server.cluster.keeper import Keeper
from server.cluster.spec import WorkerSpec


class LocalHosts:
    """Each worker has a task that keeps it running."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._workers: dict[str, tuple[Hosted, asyncio.Task[None]]] = {}

    async def present(self) -> Sequence[Hosted]:
        """Raises ConfigError when a worker cannot start with these settings."""
        for _, task in self._workers.values():
            if task.done() and not task.cancelled():
                task.result()
        return [hosted for hosted, _ in self._workers.values()]

    async def start(self, key: str, generation: str) -> None:
        keeper = Keeper(key, self._spec)
        task = asyncio.get_running_loop().create_task(keeper.run(), name=f"worker-{key}")
        self._workers[key] = (Hosted(key, generation, True), task)

    async def stop(self, key: str) -> None:
        if key in self._workers:
            _, task = self._workers[key]
            task.cancel()
            await asyncio.wait({task})
            self._workers.pop(key, None)
