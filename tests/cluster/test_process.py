"""The process of a worker, and what ends with whom."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from server.call.desk.ids import WORKER
from server.cluster import launch
from server.cluster.door.configuration import DoorSettings
from server.cluster.keeper import Keeper
from server.cluster.plan import Bounds
from server.cluster.process import WorkerProcess, key_of, new_key
from server.cluster.spec import ClusterSpec, WorkerSpec
from server.errors import ConfigError

LIMIT_S = 60
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
PARENT = f"""
import os, subprocess, sys, time
command = [sys.executable, "-I", {launch.__file__!r}, str(os.getpid()), sys.executable, "-c", {SLEEPER!r}]
child = subprocess.Popen(command)
print(child.pid, flush=True)
time.sleep(600)
"""
SPEC = WorkerSpec({"ANTIPHON_STORE": "redis://127.0.0.1:1"}, 0.0, "/nowhere")


def test_a_command_ends_with_its_parent() -> None:
    """Also when the parent is killed, and so can tell nobody."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = {parent.stdout.readline().strip(), parent.stdout.readline().strip()} - {"up"}
        (child,) = map(int, lines)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        until_s = time.monotonic() + LIMIT_S
        while _runs(child):
            assert time.monotonic() < until_s


def test_a_command_whose_parent_is_gone_is_not_started() -> None:
    command = [sys.executable, "-I", launch.__file__, "1", sys.executable, "-c", "print('never')"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")


async def test_a_mistake_in_the_settings_is_not_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    """The worker says on standard error what is wrong, and the keeper gives up."""
    wrong = replace(SPEC, settings={"ANTIPHON_PATIENCE": "none"})
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ConfigError):
            await Keeper(new_key(), wrong).run()
    assert "ANTIPHON_PATIENCE" in capfd.readouterr().err


async def test_a_worker_that_does_not_stop_is_killed() -> None:
    process = WorkerProcess(new_key(), SPEC)
    await process.start()
    async with asyncio.timeout(LIMIT_S):
        while not _takes_sigterm(process.pid or 0):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        os.kill(process.pid or 0, signal.SIGSTOP)
        await process.stop(0.1)
    assert await process.ended() == -signal.SIGKILL
    await process.stop(0.1)


def test_names() -> None:
    """Each process of a worker has a name of its own, by which its worker is known."""
    key = new_key()
    names = {WorkerProcess(key, SPEC).name for _ in range(20)}
    assert len(names) == 20
    assert {key_of(name) for name in names} == {key}
    assert all(WORKER.fullmatch(name) for name in names)


def test_what_makes_other_workers_and_another_door() -> None:
    """The number of workers makes neither, settings make other workers, and the port makes another door."""
    spec = ClusterSpec("redis://here", Bounds(1, 2), SPEC, DoorSettings())
    more = replace(spec, bounds=Bounds(2, 3))
    other = replace(spec, worker=replace(SPEC, settings={"ANTIPHON_MAX_CALLS": "3"}))
    assert (more.generation, more.door_generation) == (spec.generation, spec.door_generation)
    assert other.generation != spec.generation
    assert replace(spec, rolled=1).generation != spec.generation
    assert replace(spec, door=DoorSettings(port=1)).door_generation != spec.door_generation
    assert "redis" not in repr(SPEC), "settings have secrets, and are not logged"


def _takes_sigterm(pid: int) -> bool:
    """Whether it has a handler for SIGTERM. Without one even a process that is stopped obeys."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
