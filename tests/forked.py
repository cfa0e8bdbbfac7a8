"""Servers by `fork` from a process that has imported everything: a start costs a second of CPU in place of four.

The process is what `multiprocessing` calls a fork server; it has one thread, opens nothing, and runs no code of the
tests. A server that is forked from it gets its own arguments, environment, directory and output before it begins.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TextIO

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """A process like that of `subprocess.Popen`, whose standard output and standard error come by one pipe."""

    def __init__(self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
        """Begin the program `antiphon` with these arguments."""
        read, write = os.pipe()
        self.stdout: TextIO = os.fdopen(read, encoding="utf-8")
        with Connection(write, readable=False) as output:  # which can be given to another process
            self._process: ForkServerProcess = _FORKS.Process(
                target=_run, args=(list(arguments), str(cwd), dict(environment), output)
            )
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("antiphon", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], cwd: str, environment: dict[str, str], output: Connection) -> None:
    with output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, TextIOWrapper)
        stream.reconfigure(line_buffering=True)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["antiphon", *arguments]
    from antiphon.__main__ import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing ends without them
