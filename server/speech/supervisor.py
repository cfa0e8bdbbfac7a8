"""Keeps one speech worker alive: starts it, checks it with pings, replaces it when it dies or hangs."""

import asyncio
import contextlib
import json
import logging
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wyoming.client import AsyncUnixClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from server.errors import ConfigError

log = logging.getLogger(__name__)

_LOST = (OSError, EOFError, TimeoutError, KeyError, TypeError, AttributeError)
"""What an exchange of events with a worker raises when the worker is gone or does not speak Wyoming."""

BACKOFF_S = 0.25
MAX_BACKOFF_S = 10.0
"""A worker that dies soon after its start is replaced after 0, 0.25, 0.5 … seconds, at most MAX_BACKOFF_S. Without
these pauses the restarts would use up the machine."""
STEADY_S = 30.0
"""How long a worker must live to count as stable. After that, its next death counts as the first one."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a supervisor waits, in seconds."""

    start_s: float = 60.0
    """For a worker to answer: enough to load a large model from a slow disk."""
    ping_every_s: float = 2.0
    """From one ping to the next."""
    hang_s: float = 5.0
    """For the answer to a ping. An engine may hold the interpreter for half a second, so it must be longer."""
    stop_s: float = 2.0
    """For a worker to end by itself before it is killed."""


_USUAL = Deadlines()


class Supervisor:
    """One worker process that hosts `engine`. `uri` stays the same when the worker is replaced."""

    def __init__(
        self,
        engine: str,
        model: str | None = None,
        options: Mapping[str, object] | None = None,
        deadlines: Deadlines = _USUAL,
        log_format: str = "text",
    ) -> None:
        """`options` are further arguments of the engine, by their names. `log_format` is one of `server.logs`."""
        self.engine = engine
        self.restarts = 0
        """How often the worker was replaced."""
        self.ready = False
        """Whether the present worker has answered and is still alive."""
        self.pid: int | None = None
        self._model = model
        self._log_format = log_format
        self._options = json.dumps(dict(options or {}))
        self._deadlines = deadlines
        self._directory: Path | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def socket(self) -> Path:
        """Where the worker listens. Raises RuntimeError before `start`."""
        if self._directory is None:
            raise RuntimeError("the supervisor has not started")
        return self._directory / "wyoming"

    @property
    def uri(self) -> str:
        return f"unix://{self.socket}"

    async def start(self) -> None:
        """Start the worker, and return when it answers. Raises ConfigError with the reason when it does not answer."""
        try:
            self._directory = Path(tempfile.mkdtemp(prefix="antiphon-"))  # mode 0700: only this user can connect
        except OSError as exc:
            raise ConfigError(f"cannot make a directory for the socket of the {self.engine} worker: {exc}") from exc
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(ready), name=f"supervisor of {self.engine}")
        try:
            await ready
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the worker and remove its files. Takes at most `Deadlines.stop_s` and the time of a kill; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _keep(self, ready: asyncio.Future[None]) -> None:
        """Run one worker after the other, until cancelled. If the first one does not start, `ready` gets the reason."""
        deaths = 0
        while True:
            began = time.monotonic()
            try:
                reason = await self._run_worker(ready)
            except (ConfigError, OSError) as exc:  # OSError: the machine has no processes or file handles left
                if not ready.done():
                    ready.set_exception(ConfigError(str(exc)))
                    return
                reason = str(exc)
            deaths = 1 if time.monotonic() - began > STEADY_S else deaths + 1
            delay_s = 0.0 if deaths == 1 else min(BACKOFF_S * 2 ** (deaths - 2), MAX_BACKOFF_S)
            self.restarts += 1
            log.warning("speech worker replaced: engine=%s reason=%s in_s=%.2f", self.engine, reason, delay_s)
            await asyncio.sleep(delay_s)

    async def _run_worker(self, ready: asyncio.Future[None]) -> str:
        """Run one worker from its start to its death. Returns why it died.

        Raises ConfigError when it never became ready.
        """
        async with self._process() as process, self._client() as client:
            await self._until_ready(process, client)
            self.ready = True
            if not ready.done():
                ready.set_result(None)
            return await self._until_dead(process, client)

    @contextlib.asynccontextmanager
    async def _process(self) -> AsyncIterator[Process]:
        self.socket.unlink(missing_ok=True)
        model = ["--model", self._model] if self._model else []
        engine = ["--engine", self.engine, "--options", self._options, *model]
        command = [
            "-m",
            f"{__package__}.worker",
            "--socket",
            str(self.socket),
            *engine,
            "--log-format",
            self._log_format,
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self.pid = process.pid
        try:
            yield process
        finally:
            self.pid, self.ready = None, False
            await self._end(process)

    async def _end(self, process: Process) -> None:
        """Ask the process to end, kill it if it does not, and take its exit status, so that no zombie is left."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(self._deadlines.stop_s):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        await process.wait()

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncUnixClient]:
        client = AsyncUnixClient(self.socket)
        try:
            yield client
        finally:
            with contextlib.suppress(OSError):
                await client.disconnect()

    async def _until_ready(self, process: Process, client: AsyncUnixClient) -> None:
        assert process.stdout is not None, "because it is a pipe"
        try:
            async with asyncio.timeout(self._deadlines.start_s):
                said = (await process.stdout.readline()).decode(errors="replace").strip()
                if said != "ready":
                    raise ConfigError(said or f"the {self.engine} worker ended before it was ready")
                await client.connect()
                await client.write_event(Describe().event())
                answer = await client.read_event()
                if answer is None or not Info.is_type(answer.type):
                    raise ConfigError(f"the {self.engine} worker does not answer when asked to describe itself")
        except TimeoutError as exc:
            raise ConfigError(f"the {self.engine} worker is not ready after {self._deadlines.start_s:g} s") from exc
        except _LOST as exc:
            raise ConfigError(f"the {self.engine} worker ended while it started") from exc

    async def _until_dead(self, process: Process, client: AsyncUnixClient) -> str:
        """Ping the worker until it dies, and return why it died. A worker that hangs is killed."""
        while True:
            try:
                async with asyncio.timeout(self._deadlines.ping_every_s):
                    return f"ended with {await process.wait()}"
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(self._deadlines.hang_s):
                    await client.write_event(Ping().event())
                    answer = await client.read_event()
            except TimeoutError:
                process.kill()  # not terminate: a process that hangs does not react to SIGTERM
                return "hangs"
            except _LOST:
                return "connection lost"
            if answer is None or not Pong.is_type(answer.type):
                return "connection lost"
