"""The worker as a process: how it starts and how it ends."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.event import async_write_event
from wyoming.tts import Synthesize


@contextlib.asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.speech.worker", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(20):
            yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.mark.parametrize("how", ["its parent dies", "SIGTERM"])
async def test_the_process_ends(tmp_path: Path, how: str) -> None:
    """The process ends with status 0 and without any output, on SIGTERM or at the end of its standard input, even while
    a client is connected."""
    path = tmp_path / "socket"
    async with process("--engine", "espeak", "--socket", str(path)) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert await child.stdout.readline() == b"ready\n"
        reader, writer = await asyncio.open_unix_connection(path)
        await async_write_event(Synthesize("word " * 900).event(), writer)
        await reader.readline()
        if how == "SIGTERM":
            os.kill(child.pid, signal.SIGTERM)
        else:
            child.stdin.close()
        assert child.stderr is not None
        assert await child.stderr.read() == b""
        assert await child.wait() == 0
        writer.transport.abort()
    assert not path.exists()


@pytest.mark.parametrize(
    ("engine", "model", "reason"),
    [
        ("nobody", "", b"does not load"),
        ("os.path", "", b"not the name"),
        ("espeak", "klingon-on-mars", b"no voice"),
        ("whisper", "", b"needs a model"),
        ("whisper", "/nowhere", b"cannot load a Whisper model"),
        ("piper", "/nowhere", b"cannot load a Piper voice"),
    ],
)
async def test_the_process_says_why_it_does_not_start(tmp_path: Path, engine: str, model: str, reason: bytes) -> None:
    """For an engine or a model that cannot be loaded, the process prints one line and ends with exit code 2."""
    arguments = ["--engine", engine, "--socket", str(tmp_path / "socket")]
    async with process(*arguments, *(["--model", model] if model else [])) as child:
        assert child.stdout is not None
        assert reason in await child.stdout.readline()
        assert await child.wait() == 2
