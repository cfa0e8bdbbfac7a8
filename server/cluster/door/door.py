"""The door: one address for signaling in front of many workers. HAProxy passes the bytes on; this tells it where to."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from server.cluster.announcement import Announcement
from server.cluster.door.backend import Backend
from server.cluster.door.configuration import DoorSettings, configuration, runtime_socket
from server.cluster.door.haproxy import HAProxy, find
from server.cluster.door.runtime import Runtime
from server.cluster.roster import Roster
from server.errors import ConfigError, StoreError

EVERY_S = 0.5
"""How often the door reads the list of workers. placing.lua counts in these pieces of time."""
AGAIN_S = 1.0
"""How long the door waits before it starts HAProxy again, if it has just started it."""
SCRIPT = Path(__file__).with_name("placing.lua")

log = logging.getLogger(__name__)


class Door:
    """Keeps HAProxy running, and follows the roster. Redis may be away: then the workers stay as they were last."""

    def __init__(self, roster: Roster, settings: DoorSettings = DoorSettings()) -> None:
        self._roster = roster
        self._settings = settings
        self._directory = Path()
        self._program = ""
        self._haproxy: HAProxy | None = None
        self._backend: Backend | None = None
        self._workers: Sequence[Announcement] | None = None
        """The last list; None before the first one."""
        self._away = False
        self._following: asyncio.Task[None] | None = None

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

    async def start(self) -> None:
        """Open the door. Raises ConfigError if HAProxy is not there, or does not take the settings or the port."""
        program = await find()
        self._program = program.path
        self._directory = Path(tempfile.mkdtemp(prefix="antiphon-door-"))
        try:
            text = configuration(self._settings, self._directory, SCRIPT, program.exporter)
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
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following], timeout=AGAIN_S)
        if self._haproxy is not None:
            await self._haproxy.stop(drain_s)
            self._haproxy = None
            self._tidy()

    @property
    def _file(self) -> Path:
        return self._directory / "haproxy.cfg"

    def _tidy(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _open(self) -> None:
        """Start HAProxy, and tell it at once what is known of the workers."""
        runtime = Runtime(runtime_socket(self._directory))
        self._haproxy = await HAProxy.started(self._program, self._file, runtime)
        self._backend = Backend(runtime)
        await self._round()

    async def _follow(self) -> None:
        while True:
            assert self._haproxy is not None
            if not await self._haproxy.ended(EVERY_S):
                await self._round()
                continue
            log.error("x HAProxy has ended; starting it again")
            await self._haproxy.stop()
            try:
                await self._open()
            except ConfigError as exc:
                log.error("x %s", exc)
                await asyncio.sleep(AGAIN_S)

    async def _round(self) -> None:
        """Read the list of workers, and tell HAProxy what has changed."""
        assert self._backend is not None
        try:
            self._workers = await self._roster.present()
            self._away = False
        except StoreError:
            if not self._away:
                log.warning("x the list of workers is not available; the door goes on with the last one")
            self._away = True
        if self._workers is None:
            return
        try:
            await self._backend.update(self._workers)
        except OSError as exc:
            log.warning("x HAProxy does not take a change of the workers: %s", exc)
