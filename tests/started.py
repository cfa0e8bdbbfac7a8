"""A server in a process of its own: what `antiphon serve` starts, with the arguments and the environment of a test."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.forked import Forked

ROOT = Path(__file__).parent.parent
ANTIPHON = (sys.executable, "-m", "antiphon")
READY = re.compile(r"Antiphon is at\s+(\S+)")
PATIENT = {"ANTIPHON_ADMISSION_LAG_MS": "1e9", "ANTIPHON_ADMISSION_WAIT_MS": "1e9"}
"""Limits so high that the server refuses no call when the machine is busy with other tests."""
EMBEDDED = {"ANTIPHON_STT": "pocketsphinx", "ANTIPHON_TTS": "espeak", "ANTIPHON_ENDPOINT_MODEL": "none"}
"""Engines that need no models: they start fast, and what they hear and say is the same on every machine."""
AS_A_USER = dict.fromkeys(EMBEDDED, "auto")
"""Whatever is in `models`, as a user's server has it. Pass it as environment; see tests/real_models.py."""
DRAIN_S = "0"
"""How long a server that is stopped waits for its calls, if a test does not say otherwise."""
START_S = 120
STOP_S = 20
LOG_S = 10
"""How long a line of the log may need to get to the test."""


class Started:
    """A running server. `url` is its address; `lines` has what it has printed so far, logs included."""

    def __init__(
        self,
        *options: str,
        prefix: Sequence[str] = (),
        command: Sequence[str] = (),
        cwd: Path = ROOT,
        stderr: int = subprocess.STDOUT,
        **environment: str,
    ) -> None:
        """Start `antiphon serve` with `options`, in the directory `cwd`.

        `command` is the program `antiphon`. By default it is the one in this repository, and the process is forked from
        one that has imported it, which is much faster. `prefix` is a command that runs it in some other place, such as
        a network namespace. `stderr` is where its log goes, if not to `lines`. `environment` is added to the
        environment of the tests. The engines are EMBEDDED if it does not name others.
        """
        variables = os.environ | {
            "ANTIPHON_MEDIA_ADDRESSES": "127.0.0.1",
            "ANTIPHON_STORE": ":memory:",
            "ANTIPHON_DRAIN_S": DRAIN_S,
            "PYTHONUNBUFFERED": "1",
            **PATIENT,
            **EMBEDDED,
            **environment,
        }
        arguments = ("serve", "--port", "0", *options)
        self.process: subprocess.Popen[str] | Forked
        if prefix or command or stderr != subprocess.STDOUT:
            program = [*prefix, *(command or ANTIPHON), *arguments]
            self.process = subprocess.Popen(
                program, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        else:
            self.process = Forked(arguments, cwd, variables)
        self.lines: list[str] = []
        self.url = ""
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self) -> None:
        """Wait until the server is ready. Fails if it has ended."""
        assert self._ready.wait(START_S), self.lines
        assert self.url, self.lines

    def logs(self, *texts: str, count: int = 1, since: int = 0) -> bool:
        """Whether so many lines have all `texts` in them, soon: a thread of the server writes its log. The first
        `since` lines do not count."""
        deadline = time.monotonic() + LOG_S
        while sum(all(text in line for text in texts) for line in self.lines[since:]) < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def stop(self) -> int:
        """Send SIGTERM, as an operator does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := READY.search(line):
                self.url = found[1]
                self._ready.set()
        self._ready.set()


@contextmanager
def started(
    *options: str, prefix: Sequence[str] = (), command: Sequence[str] = (), **environment: str
) -> Iterator[Started]:
    """A server that is ready, stopped at the end."""
    server = Started(*options, prefix=prefix, command=command, **environment)
    try:
        server.wait()
        yield server
    except BaseException:
        print(*server.lines, sep="\n")
        raise
    finally:
        server.stop()
