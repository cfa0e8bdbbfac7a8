"""Keeps one worker running: starts its process, and another one whenever that has ended."""

import asyncio
import logging
from contextlib import suppress
from urllib.parse import urlsplit

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

ANSWER_S = 5.0
"""How long a worker may take to say that it is alive. One that is busy needs a tenth of a second."""

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

    async def revive(self, url: str) -> None:
        """End the process at once, if it does not answer at this address: then it hangs."""
        process = self._process
        if process is not None and not await _answers(url):
            log.warning("! worker %s hangs, and is killed", process.name)
            process.kill()

    async def run(self) -> None:
        """Keep it running until cancelled, and then let it drain and end.

        Raises ConfigError when the first process ends because of its settings: the next ones would do so, too.
        """
        now, short_lives = asyncio.get_running_loop().time, 0
        try:
            while True:
                started_s = now()
                await self._live()
                short_lives = 0 if now() - started_s > STEADY_S else short_lives + 1
                self.restarts += 1
                await asyncio.sleep(_pause_s(short_lives))
        finally:
            if self._process is not None:
                await self._process.stop(self._spec.drain_s + STOP_S)

    async def _live(self) -> None:
        """One process, from its start to its end. Raises ConfigError when the first one cannot start."""
        process = self._process = WorkerProcess(self._key, self._spec)
        try:
            await process.start()
        except OSError as exc:  # the machine may have no memory for it at present
            log.warning("! worker %s cannot be started now: %s", process.name, exc)
            return
        code = await process.ended()
        if code == MISTAKE and not self.restarts:
            raise ConfigError("a worker cannot start with these settings; it has said why above")
        log.warning("! worker %s has ended (exit code %d), and is started again", process.name, code)


async def _answers(url: str) -> bool:
    """Whether a worker, at this address on this machine, answers anything at all."""
    with suppress(OSError, ValueError):  # TimeoutError is an OSError
        where = urlsplit(url)
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(b"GET /health/live HTTP/1.0\r\n\r\n")
                return bool(await reader.read(1))
            finally:
                writer.close()
    return False


def _pause_s(short_lives: int) -> float:
    return 0.0 if short_lives < 2 else min(BACKOFF_S * 2.0 ** (short_lives - 2), MAX_BACKOFF_S)
