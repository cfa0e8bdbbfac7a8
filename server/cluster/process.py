"""One media server of a cluster, as a child process: `antiphon serve`, with its settings in the environment.

It is a process of its own, and not a part of whoever keeps it running, for two reasons. Ray brings threads and signal
handlers that would disturb its pacer, and it can be kept running in the same way with and without Ray.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from server.cluster import launch
from server.cluster.spec import WorkerSpec

ROOT = Path(sys.modules[__package__.partition(".")[0]].__file__ or "").parent.parent
"""The directory in which the package is found. The child looks there first, and so runs the same code."""
KEY_LETTERS = 7
"""How many letters of a worker's name stay the same when its process is replaced by another one."""
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

log = logging.getLogger(__name__)


def new_key() -> str:
    """A key for one more worker, with which the names of its processes begin."""
    return "w" + _chance(KEY_LETTERS - 1)


def key_of(name: str) -> str:
    """The key of the worker whose process has this name."""
    return name[:KEY_LETTERS]


def _chance(letters: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(letters))


class WorkerProcess:
    """A server that the cluster knows by `name`. Whether it is ready, the roster tells.

    Each process has a name of its own: calls of a process that has died are nobody's, and anybody may resume them.
    """

    def __init__(self, key: str, spec: WorkerSpec) -> None:
        self.name = key + _chance(4)
        self._spec = spec
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, once it has been started."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it. Raises OSError."""
        launched = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()))
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        own = {"PYTHONPATH": path, "ANTIPHON_WORKER": self.name}
        self._process = await asyncio.create_subprocess_exec(
            *launched, sys.executable, "-m", "antiphon", "serve",
            stdin=DEVNULL, stdout=DEVNULL,  # its log is on standard error
            cwd=self._directory, env=os.environ | self._spec.settings | own,
            start_new_session=True,  # Ctrl-C goes to the parent alone, which stops it in its turn
        )  # fmt: skip

    @property
    def _directory(self) -> str | None:
        return self._spec.directory if os.path.isdir(self._spec.directory) else None

    async def ended(self) -> int:
        """Wait until it has ended by itself or by `stop`; its exit code, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, deadline_s: float) -> None:
        """End it: SIGTERM, so that it drains, and SIGKILL after the deadline. Idempotent."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(deadline_s):
                await self._process.wait()
        except TimeoutError:
            log.warning("! worker %s does not stop, and is killed", self.name)
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End it at once. Its calls resume elsewhere."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
