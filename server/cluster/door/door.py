"""The door: one address for signaling in front of many workers. HAProxy passes the bytes on; this tells it where to."""

import asyncio
import logging
import resource
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from server.cluster.announcement import Announcement
from server.cluster.door.backend import Backend
from server.cluster.door.configuration import FOR_OPERATORS, WORKERS, DoorSettings, configuration
from server.cluster.door.haproxy import HAProxy, find
from server.cluster.door.runtime import Runtime
from server.cluster.door.servers import told
from server.cluster.roster import EXPIRY_S, Roster
from server.errors import ConfigError, StoreError

EVERY_S = 0.5
"""How often the door reads the list of workers. placing.lua counts in these pieces of time."""
AGAIN_S = 0.5
"""How long the door waits after it has started HAProxy again, so that one that ends at once does not keep it busy."""
FILES_A_CONNECTION, OWN_FILES = 2, 500
"""How many file descriptors HAProxy needs: for each connection, and for itself with its health checks."""
LONGEST_ROUND_S = 5.0
"""How long a closing door waits for a round that is under way. Redis may take 2 s, and HAProxy as long."""
SCRIPT = Path(__file__).with_name("placing.lua")

log = logging.getLogger(__name__)


class Door:
    """Keeps HAProxy running, and follows the roster. Redis may be away: then the workers stay as they were last."""

    def __init__(self, roster: Roster, settings: DoorSettings) -> None:
        self._roster = roster
        self._settings = settings
        self._directory = Path()
        self._program = ""
        self._haproxy: HAProxy | None = None
        self._backends: list[Backend] = []
        self._workers: Sequence[Announcement] | None = None
        """The last list; None before the first one."""
        self._told = 0
        self._away_s = 0.0
        """When Redis was away last; 0 if that is long ago."""
        self._following: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def url(self) -> str:
        """Where callers find the door."""
        scheme, host = "https" if self._settings.certificate else "http", self._settings.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._settings.port}"

    @property
    def pid(self) -> int:
        """The process id of HAProxy."""
        assert self._haproxy is not None
        return self._haproxy.pid

    @property
    def known(self) -> int:
        """How many workers HAProxy gives new calls to, as it was told last."""
        return self._told

    async def start(self) -> None:
        """Open the door. Raises ConfigError if HAProxy is not there, or does not take the settings or the port."""
        program = await find()
        self._program = program.path
        self._directory = Path(tempfile.mkdtemp(prefix="antiphon-door-"))
        try:
            text = configuration(_within_limits(self._settings), str(self._socket), str(SCRIPT), program.exporter)
            self._file.write_text(text, encoding="utf-8")
            await self._open()
        except ValueError as exc:
            raise ConfigError(str(exc)) from exc
        finally:
            if self._haproxy is None:
                self._tidy()
        self._following = asyncio.get_running_loop().create_task(self._follow(), name="door")

    async def close(self, drain_s: float = 0.0) -> None:
        """Close the door: the port is free, and connections end after at most `drain_s` seconds. Idempotent."""
        self._closing = True
        if self._following is not None:
            self._following.cancel()  # a client of Redis may swallow this (redis 8.1), and then the round goes on
            await asyncio.wait([self._following], timeout=LONGEST_ROUND_S)
        if self._haproxy is not None:
            await self._haproxy.stop(drain_s)
            self._haproxy = None
            self._tidy()

    @property
    def _file(self) -> Path:
        return self._directory / "haproxy.cfg"

    @property
    def _socket(self) -> Path:
        return self._directory / "runtime.sock"

    def _tidy(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _open(self) -> None:
        """Start HAProxy, and tell it at once what is known of the workers."""
        runtime = Runtime(self._socket)
        self._told = 0
        self._haproxy = await HAProxy.started(self._program, self._file, runtime)
        self._backends = [Backend(runtime, WORKERS, lambda worker: worker.url)]
        if self._settings.operations_port:
            self._backends.append(Backend(runtime, FOR_OPERATORS, lambda worker: worker.for_operators))
        if self._workers is None:
            await self._round()
        else:
            await self._tell(self._workers)

    async def _follow(self) -> None:
        while not self._closing:
            try:
                await self._keep()
            except (ConfigError, OSError) as exc:
                log.error("x HAProxy does not start: %s", exc)
            except Exception:
                log.exception("x fault in the door")
            await asyncio.sleep(AGAIN_S)

    async def _keep(self) -> None:
        """Follow the roster as long as HAProxy runs, and then start it again."""
        assert self._haproxy is not None
        while not await self._haproxy.ended(EVERY_S):
            await self._round()
            if self._closing:
                return
        log.error("x HAProxy has ended; starting it again")
        await self._haproxy.stop()
        await self._open()

    async def _round(self) -> None:
        """Read the list of workers, and tell HAProxy what has changed."""
        try:
            self._workers = self._present(await self._roster.present())
        except StoreError:
            if self._away_s == 0:
                log.warning("x the list of workers is not available; the door goes on with the last one")
            self._away_s = asyncio.get_running_loop().time()
        if self._workers is None:
            return
        try:
            await self._tell(self._workers)
        except OSError as exc:
            log.warning("x HAProxy does not take a change of the workers: %s", exc)

    def _present(self, found: Sequence[Announcement]) -> Sequence[Announcement]:
        """The workers that there are. A Redis that comes back may be empty: it takes a while until all have announced
        themselves again."""
        if asyncio.get_running_loop().time() - self._away_s > EXPIRY_S:
            self._away_s = 0.0
        if self._away_s == 0:
            return found
        names = {worker.name for worker in found}
        return [*found, *(worker for worker in self._workers or () if worker.name not in names)]

    async def _tell(self, workers: Sequence[Announcement]) -> None:
        """Raises OSError."""
        assert self._haproxy is not None
        for backend in self._backends:
            await backend.update(workers)
        usable = [worker for worker in workers if self._backends[0].has(worker.name)]
        await self._haproxy.runtime.do(told(usable))
        self._told = sum(worker.state == "ready" for worker in usable)


def _within_limits(settings: DoorSettings) -> DoorSettings:
    """With no more connections than the system lets this process have (`ulimit -Hn`)."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed == resource.RLIM_INFINITY:
        return settings
    most = max(1, (allowed - OWN_FILES) // FILES_A_CONNECTION)
    return replace(settings, most_connections=min(settings.most_connections, most))
