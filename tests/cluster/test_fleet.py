"""The fleet and the keepers of its workers: they go on, whatever becomes of one worker. Processes are scripted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from server.cluster import keeper
from server.cluster.announcement import Announcement
from server.cluster.fleet import Fleet, Hosted
from server.cluster.keeper import MISTAKE, Keeper
from server.cluster.local import LocalHosts
from server.cluster.plan import SILENT_S, Bounds
from server.cluster.process import new_key
from server.cluster.roster import Roster
from server.cluster.spec import WorkerSpec
from server.errors import ConfigError, StoreError
from tests.virtual_time import run_virtual

SPEC = WorkerSpec({}, 0.0, "/nowhere")
WORKER = Announcement("waaaaaa1", "http://127.0.0.1:1", "here", 1, "1.0", 0, "ready", "", 0, 0, 10)


class Process:
    """A worker's process. Each one that is started takes the next line of `script`: how it ends, or None: it runs."""

    script: list[int | OSError | None]
    started: int

    def __init__(self, key: str, spec: WorkerSpec) -> None:
        self.name = f"{key}1234"
        self.pid = 1
        Process.started += 1
        self._end = Process.script.pop(0)
        self._killed = asyncio.Event()

    async def start(self) -> None:
        if isinstance(self._end, OSError):
            raise self._end

    async def ended(self) -> int:
        if isinstance(self._end, int):
            return self._end
        await self._killed.wait()
        return -9

    async def stop(self, deadline_s: float) -> None:
        self.kill()

    def kill(self) -> None:
        self._killed.set()


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    Process.started = 0
    monkeypatch.setattr(keeper, "WorkerProcess", Process)


@dataclass
class Heard:
    """A roster that knows these workers, or fails."""

    workers: list[Announcement] = field(default_factory=list)
    fails: Exception | None = None

    async def present(self) -> Sequence[Announcement]:
        if self.fails is not None:
            raise self.fails
        return self.workers


@dataclass
class Kept:
    """One host with one worker, that writes down what it is told."""

    revived: list[tuple[str, str]] = field(default_factory=list)

    async def present(self) -> Sequence[Hosted]:
        return [Hosted("waaaaaa", "new", True)]

    async def start(self, key: str, generation: str) -> None:
        raise AssertionError

    async def revive(self, key: str, url: str) -> None:
        self.revived.append((key, url))

    async def stop(self, key: str) -> None:
        raise AssertionError


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def test_workers_that_run_outlive_one_that_cannot_start(caplog: pytest.LogCaptureFixture) -> None:
    """A rolling restart with a mistake in the agent's file stops there. Only when all have failed is it the end."""

    async def scenario() -> None:
        hosts = LocalHosts(SPEC)
        Process.script = [None, MISTAKE]
        await hosts.start("w1", "old")
        await hosts.start("w2", "new")
        await asyncio.sleep(1)
        assert [each.key for each in await hosts.present()] == ["w1", "w2"]
        assert "worker-w2 is not kept running" in caplog.text
        await hosts.stop("w1")
        with pytest.raises(ConfigError):
            await hosts.present()
        await hosts.stop("w2")

    run_virtual(scenario())


def test_a_machine_without_memory_is_waited_for() -> None:
    """A worker that cannot be started now is started later, and so is one that ends."""

    async def scenario() -> None:
        Process.script = [OSError("no memory"), OSError("no memory"), 1, None]
        running = asyncio.create_task(Keeper(new_key(), SPEC).run())
        await asyncio.sleep(5)
        assert not running.done()
        assert Process.started == 4
        await _ended(running)

    run_virtual(scenario())


def test_a_fault_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The fleet says what has gone wrong, and goes on when it is over."""

    async def scenario() -> None:
        roster, hosts = Heard(), LocalHosts(SPEC)
        Process.script = [None]
        fleet = Fleet(hosts, cast(Roster, roster), Bounds(1, 1), "new")
        roster.fails = ValueError("nobody thought of this")
        running = asyncio.create_task(fleet.run())
        await asyncio.sleep(3)
        assert "nobody thought of this" in caplog.text
        roster.fails = None
        await asyncio.sleep(2)
        assert Process.started == 1
        await _ended(running)
        await fleet.close()

    run_virtual(scenario())


def test_a_worker_that_falls_silent_is_looked_at() -> None:
    """Once, and not because Redis was away."""

    async def scenario() -> None:
        roster, hosts = Heard([WORKER]), Kept()
        running = asyncio.create_task(Fleet(hosts, cast(Roster, roster), Bounds(1, 1), "new").run())
        await asyncio.sleep(5)
        roster.fails = StoreError("away")
        await asyncio.sleep(2 * SILENT_S)
        roster.fails, roster.workers = None, []
        await asyncio.sleep(SILENT_S - 2)
        assert hosts.revived == []
        await asyncio.sleep(2 * SILENT_S)
        assert hosts.revived == [("waaaaaa", WORKER.url)]
        await _ended(running)

    run_virtual(scenario())


async def test_only_a_worker_that_hangs_is_killed() -> None:
    """One that answers may be cut off from Redis alone."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        writer.close()

    Process.script = [None, None]
    it = Keeper(new_key(), SPEC)
    running = asyncio.create_task(it.run())
    await asyncio.sleep(0)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await it.revive(url)
    assert it.restarts == 0
    server.close()
    await server.wait_closed()
    await it.revive(url)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert it.restarts == 1
    await _ended(running)
