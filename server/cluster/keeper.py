"""Keeps one worker running: starts its process, and another one whenever that has ended."""

import asyncio
import logging

from server.cluster.process import WorkerProcess
from server.cluster.spec import WorkerSpec
from server.errors import ConfigError

BACKOFF_S = 0.25
MAX_BACKOFF_S = 15.0
"""A worker that ends soon after its start is started again after 0, 0.25, 0.5 … seconds, at most MAX_BACKOFF_S. Without
these pauses a mistake in the settings would use up the machine."""
STEADY_S = 30.0
"""How long a worker must live to count as stable. After that, its next end counts as the first one."""
MISTAKE = 2
"""The exit code of a server that cannot start with its settings. It has said why on standard error."""
STOP_S = 15.0
"""How long a worker may need to end, beside the time in which it drains."""

log = logging.getLogger(__name__)


class Keeper:
    """One worker, which is there again soon after it has ended for whatever reason."""

    def __init__(self, key: str, spec: WorkerSpec) -> None:
        self._key = key
        self._spec = spec
        self._process: WorkerProcess | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The id of the process that runs now."""
        return None if self._process is None else self._process.pid

    async def run(self) -> None:
        """Keep it running until cancelled, and then let it drain and end.

        Raises ConfigError when the first process ends because of its settings: the next ones would do so, too.
        """
        now, short_lives = asyncio.get_running_loop().time, 0
        try:
            while True:
                started_s = now()
                process = self._process = WorkerProcess(self._key, self._spec)
                await process.start()
                code = await process.ended()
                if code == MISTAKE and not self.restarts:
                    raise ConfigError("a worker cannot start with these settings; it has said why above")
                short_lives = 0 if now() - started_s > STEADY_S else short_lives + 1
                log.warning("! worker %s has ended (exit code %d), and is started again", process.name, code)
                self.restarts += 1
                await asyncio.sleep(_pause_s(short_lives))
        finally:
            if self._process is not None:
                await self._process.stop(self._spec.drain_s + STOP_S)


def _pause_s(short_lives: int) -> float:
    return 0.0 if short_lives < 2 else min(BACKOFF_S * 2.0 ** (short_lives - 2), MAX_BACKOFF_S)
