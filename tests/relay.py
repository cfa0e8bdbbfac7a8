"""A coturn of Debian's package, with the configuration in turn/, on 127.0.0.1."""

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signaling.ice import credentials

CONFIGURATION = Path(__file__).parent.parent / "turn" / "turnserver.conf"
SECRET = "north by northwest"
START_S = 10.0

needs_coturn = pytest.mark.skipif(shutil.which("turnserver") is None, reason="make test installs coturn")


class Relay:
    """A running coturn; `url` is its address."""

    def __init__(self, directory: Path, *options: str, address: str = "127.0.0.1") -> None:
        self.address = address
        self.port = free_port()
        self.url = f"turn:127.0.0.1:{self.port}?transport=udp"
        self._process = subprocess.Popen(
            [
                "turnserver",
                *("-c", str(CONFIGURATION), "--static-auth-secret", SECRET, "--no-tls"),
                *("--listening-ip", address, "--relay-ip", address, "--listening-port", str(self.port)),
                *("--pidfile", str(directory / "pid"), "--userdb", str(directory / "db")),
                *options,
            ],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until it answers over TCP, which it does later than over UDP."""
        ends_s = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection((self.address, self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "coturn has ended"
                assert time.monotonic() < ends_s, "coturn does not answer"
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(START_S)

    def login(self, seconds: int = 600) -> tuple[str, str]:
        """User name and password, good for this many seconds, of a new user each time: each user has a quota."""
        return credentials(SECRET, int(time.time()) + seconds, secrets.token_hex(4))


@contextmanager
def relay(directory: Path, *options: str, address: str = "127.0.0.1") -> Iterator[Relay]:
    """A running coturn, stopped at the end. Its configuration denies this machine's addresses; `options` allow some."""
    running = Relay(directory, *options, address=address)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
