"""A coturn of Debian's package, started by turn/start.sh with the configuration beside it, on 127.0.0.1."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from signaling.ice import credentials

START = Path(__file__).parent.parent / "turn" / "start.sh"
PEERS = ("198.51.100.5", "2001:db8::5")
"""The media server of a relay that is given no other: addresses for documentation, which nobody has (RFC 5737)."""
SECRET = "north by northwest"
START_S = 10.0

needs_coturn = pytest.mark.skipif(shutil.which("turnserver") is None, reason="make test installs coturn")


class Relay:
    """A running coturn; `url` is its address."""

    def __init__(
        self, directory: Path, *options: str, peers: Sequence[str] = PEERS, address: str = "127.0.0.1"
    ) -> None:
        """`peers` are the addresses that the relay may send to."""
        self.address = address
        self.port = free_port()
        self.url = f"turn:127.0.0.1:{self.port}?transport=udp"
        self.process = subprocess.Popen(
            [
                *("sh", str(START), "--no-tls"),
                *("--listening-ip", address, "--relay-ip", address, "--listening-port", str(self.port)),
                *options,
            ],
            cwd=directory,
            env=os.environ | {"TURN_SECRET": SECRET, "TURN_PEERS": ",".join(peers), "TMPDIR": str(directory)},
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
                assert self.process.poll() is None, "coturn has ended"
                assert time.monotonic() < ends_s, "coturn does not answer"
            else:
                return

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(START_S)

    def login(self, seconds: int = 600) -> tuple[str, str]:
        """User name and password, good for this many seconds, of a new user each time: each user has a quota."""
        return credentials(SECRET, int(time.time()) + seconds, secrets.token_hex(4))


@contextmanager
def relay(directory: Path, *options: str, **how: Any) -> Iterator[Relay]:
    """A running coturn, stopped at the end."""
    running = Relay(directory, *options, **how)
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
