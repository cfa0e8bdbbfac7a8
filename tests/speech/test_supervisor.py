"""The supervisor replaces a worker that dies or hangs, and leaves nothing behind."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import ConfigError, EngineError
from server.speech import supervisor as module
from server.speech.supervisor import Deadlines, Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.tiny_models import WORD, make_whisper
from tests.voices import speak


@contextlib.asynccontextmanager
async def supervised(engine: str = "espeak", model: str | None = None) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(engine, model, deadlines=Deadlines(ping_every_s=0.1, hang_s=0.3, stop_s=1))
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.close()


async def replaced(supervisor: Supervisor, old: int) -> None:
    """Wait for another process. Ask again and again, because there is no event for it."""
    async with asyncio.timeout(10):
        while supervisor.pid in (None, old):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def spoken(supervisor: Supervisor) -> int:
    tts = WyomingTextToSpeech(supervisor.uri, connect_s=10)
    return sum([len(pcm.data) async for pcm in tts.synthesize("Hello.", "")])


def alive(pid: int) -> bool:
    """Whether the process runs or is a zombie."""
    return Path(f"/proc/{pid}").exists()


def command_line(pid: int) -> str:
    """The command line of a process; "" when it has ended, also while it is a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


async def test_a_killed_worker_is_replaced() -> None:
    """After kill -9 another process speaks the next text, at the same address."""
    async with supervised() as supervisor:
        uri, old = supervisor.uri, supervisor.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        assert await spoken(supervisor) > 0
        await replaced(supervisor, old)
        assert (supervisor.uri, supervisor.restarts) == (uri, 1)
        assert not alive(old)


async def test_a_hanging_worker_is_replaced() -> None:
    """A worker that is stopped does not answer pings, so it is killed and replaced, and the next text is spoken."""
    async with supervised() as supervisor:
        old = supervisor.pid
        assert old is not None
        os.kill(old, signal.SIGSTOP)
        await replaced(supervisor, old)
        assert await spoken(supervisor) > 0
        assert not alive(old)


async def test_a_worker_is_ready_while_it_answers() -> None:
    """`ready` is false before the first worker has started, between two workers, and after `close`."""
    supervisor = Supervisor("espeak")
    assert not supervisor.ready
    async with supervised() as supervisor:
        assert supervisor.ready
        old = supervisor.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        while supervisor.pid == old:  # noqa: ASYNC110  # there is no event for the death of a worker
            await asyncio.sleep(0.01)
        assert not supervisor.ready
        assert await spoken(supervisor) > 0
        async with asyncio.timeout(5):  # the supervisor may learn it a little later than this client
            while not supervisor.ready:  # noqa: ASYNC110  # there is no event for a worker that is ready
                await asyncio.sleep(0.01)
        await supervisor.close()
        assert not supervisor.ready


async def test_a_terminal_does_not_reach_a_worker() -> None:
    """A worker is in a session of its own and ignores Ctrl-C, so that the server decides when it ends."""
    async with supervised() as supervisor:
        assert supervisor.pid is not None
        assert os.getsid(supervisor.pid) == supervisor.pid
        os.kill(supervisor.pid, signal.SIGINT)
        assert await spoken(supervisor) > 0
        assert supervisor.restarts == 0


async def test_an_utterance_outlives_its_worker(tmp_path: Path) -> None:
    """When the worker dies in the middle of an utterance, the next worker gives the words."""
    async with supervised("whisper", str(make_whisper(tmp_path / "model"))) as supervisor:
        old = supervisor.pid
        assert old is not None
        stt = WyomingSpeechToText(supervisor.uri, connect_s=10, deadline_s=20)
        partial = asyncio.Event()
        stream = stt.listen([], lambda text: partial.set())
        async with asyncio.timeout(60):
            while not partial.is_set():  # the first words so far need two drafts
                stream.feed(speak("hello there my friend"))
                await asyncio.sleep(0.1)
        os.kill(old, signal.SIGKILL)
        assert await stream.transcript() == WORD
        await stt.close()


async def test_a_worker_that_always_dies_is_an_error_in_the_end(tmp_path: Path) -> None:
    """When no worker comes back, the transcript raises EngineError in the end."""
    async with supervised("whisper", str(make_whisper(tmp_path / "model"))) as supervisor:
        stt = WyomingSpeechToText(supervisor.uri, connect_s=0.2)
        stream = stt.listen([], lambda text: None)
        assert supervisor.pid is not None
        await supervisor.close()
        stream.feed(speak("hello"))
        with pytest.raises(EngineError):
            await stream.transcript()
        await stt.close()


async def test_close_leaves_nothing() -> None:
    """After `close`, which may be called twice, there is no process, no file and no task."""
    before = asyncio.all_tasks()
    async with supervised() as supervisor:
        pid, socket = supervisor.pid, supervisor.socket
        assert pid is not None
        assert socket.exists()
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        await supervisor.close()
        assert not alive(pid)
        assert not socket.parent.exists()
        assert asyncio.all_tasks() == before


async def test_close_ends_a_worker_that_does_not_listen() -> None:
    """A worker that does not react to SIGTERM is killed at the deadline."""
    async with supervised() as supervisor:
        pid = supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(5):
            await supervisor.close()
        assert not alive(pid)


async def test_start_raises_the_reason() -> None:
    """When the first start fails, this is a ConfigError with the worker's own reason, and nothing is left behind."""
    before = asyncio.all_tasks()
    supervisor = Supervisor("whisper", "/nowhere")
    with pytest.raises(ConfigError, match="cannot load a Whisper model from /nowhere"):
        await supervisor.start()
    assert not supervisor.socket.parent.exists()
    assert asyncio.all_tasks() == before


async def test_a_socket_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no file can be made, as in a read-only container, this is a ConfigError."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(ConfigError, match="/nowhere"):
        await Supervisor("espeak").start()


async def test_start_has_a_deadline() -> None:
    """A worker that is not ready within its deadline is a ConfigError."""
    supervisor = Supervisor("espeak", deadlines=Deadlines(start_s=0.001))
    with pytest.raises(ConfigError, match="not ready"):
        await supervisor.start()


async def test_a_worker_that_cannot_come_back_is_tried_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replacement that does not start is tried again after pauses that grow, until it works."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            monkeypatch.undo()
        await sleep(0)

    async with supervised() as supervisor:
        old = supervisor.pid
        assert old is not None
        monkeypatch.setattr(module.asyncio, "sleep", pause)
        monkeypatch.setattr(module.sys, "executable", "/bin/false")
        os.kill(old, signal.SIGKILL)
        async with asyncio.timeout(10):
            while supervisor.restarts < 4:
                await sleep(0)
        assert await spoken(supervisor) > 0
        assert (pauses, supervisor.restarts) == ([0, 0.25, 0.5, 1], 4)


def test_a_worker_does_not_outlive_its_server() -> None:
    """When the server is killed, its worker ends by itself."""
    program = """
import asyncio, os, signal
from server.speech.supervisor import Deadlines, Supervisor

async def main():
    supervisor = Supervisor("espeak")
    await supervisor.start()
    print(supervisor.pid, supervisor.socket.parent, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    pid, directory = ended.stdout.split()
    # The worker's standard error is the pipe of `run`, so `run` returns only after the worker has closed it.
    assert "server.speech.worker" not in command_line(int(pid))
    Path(directory).rmdir()
