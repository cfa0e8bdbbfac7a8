"""Keeps one speech worker alive: starts it, asks whether it is well, replaces it when it is not."""

import asyncio
import contextlib
import logging
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from wyoming.client import AsyncUnixClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from server.errors import ConfigError

_log = logging.getLogger(__name__)

_LOST = (OSError, EOFError, TimeoutError, KeyError, TypeError, AttributeError)
"""What speaking with a worker raises when it is gone or does not speak Wyoming."""

BACKOFF_S = 0.25
BACKOFF_MOST_S = 10.0
"""A worker that dies at once is tried again after 0, 0.25, 0.5 … seconds, so that it does not eat the machine."""
STEADY_S = 30.0
"""A worker that lived this long is well; its next death counts as the first."""


class Supervisor:
    """One worker process that hosts `engine`, at the same `uri` however often it is replaced."""

    def __init__(
        self,
        engine: str,
        model: str | None = None,
        *,
        start_s: float = 60.0,
        ping_every_s: float = 2.0,
        hang_s: float = 5.0,
        stop_s: float = 2.0,
    ) -> None:
        """Deadlines: `start_s` to load a large model from a slow disk; `hang_s` for the answer to a ping, above the
        half second for which an engine may hold the interpreter; `stop_s` to end on its own before it is killed."""
        self.engine = engine
        self.restarts = 0
        self.ready = False
        """The worker has answered, and has not died since."""
        self.pid: int | None = None
        self._model = model
        self._start_s, self._ping_every_s, self._hang_s, self._stop_s = start_s, ping_every_s, hang_s, stop_s
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
        """Return when the worker answers. Raises ConfigError with the reason when it does not."""
        try:
            self._directory = Path(tempfile.mkdtemp(prefix="antiphon-"))  # 0700: a socket for this user only
        except OSError as exc:
            raise ConfigError(f"the {self.engine} worker has no place for its socket: {exc}") from exc
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(ready), name=f"supervisor of {self.engine}")
        try:
            await ready
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the worker and leave nothing behind, within `stop_s` and the time of a kill; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _keep(self, ready: asyncio.Future[None]) -> None:
        """One life of a worker after the other, until cancelled. The first must succeed, or `ready` says why."""
        deaths = 0
        while True:
            began = time.monotonic()
            try:
                reason = await self._live(ready)
            except (ConfigError, OSError) as exc:  # OSError: the machine has no process or file left to give
                if not ready.done():
                    ready.set_exception(ConfigError(str(exc)))
                    return
                reason = str(exc)
            deaths = 1 if time.monotonic() - began > STEADY_S else deaths + 1
            delay_s = 0.0 if deaths == 1 else min(BACKOFF_S * 2 ** (deaths - 2), BACKOFF_MOST_S)
            self.restarts += 1
            _log.warning("speech worker replaced: engine=%s reason=%s in_s=%.2f", self.engine, reason, delay_s)
            await asyncio.sleep(delay_s)

    async def _live(self, ready: asyncio.Future[None]) -> str:
        """From start to death; what it died of. Raises ConfigError when it never became ready."""
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
        command = ["-m", f"{__package__}.worker", "--engine", self.engine, "--socket", str(self.socket), *model]
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
        """Ask, then kill, then take its exit status, so that no zombie is left."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(self._stop_s):
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
            async with asyncio.timeout(self._start_s):
                said = (await process.stdout.readline()).decode(errors="replace").strip()
                if said != "ready":
                    raise ConfigError(said or f"the {self.engine} worker ended before it was ready")
                await client.connect()
                await client.write_event(Describe().event())
                answer = await client.read_event()
                if answer is None or not Info.is_type(answer.type):
                    raise ConfigError(f"the {self.engine} worker does not describe itself")
        except TimeoutError as exc:
            raise ConfigError(f"the {self.engine} worker is not ready after {self._start_s:g} s") from exc
        except _LOST as exc:
            raise ConfigError(f"the {self.engine} worker ended while it started") from exc

    async def _until_dead(self, process: Process, client: AsyncUnixClient) -> str:
        while True:
            try:
                async with asyncio.timeout(self._ping_every_s):
                    return f"ended with {await process.wait()}"
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(self._hang_s):
                    await client.write_event(Ping().event())
                    answer = await client.read_event()
            except TimeoutError:
                process.kill()  # at once: it cannot hear a kinder word
                return "hangs"
            except _LOST:
                return "connection lost"
            if answer is None or not Pong.is_type(answer.type):
                return "connection lost"
