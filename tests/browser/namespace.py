"""A network for one test: a kernel namespace with loopback alone, and a firewall that the test may switch on."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

WALL = """
add table inet wall
add chain inet wall incoming { type filter hook input priority 0; }
add rule inet wall incoming meta l4proto udp drop
"""


def reason_against() -> str:
    """Why no namespace can be made here; "" if it can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    missing = [tool for tool in ("ip", "nft", "nsenter") if shutil.which(tool) is None]
    return f"no {', '.join(missing)} here" if missing else ""


class Namespace:
    """A network namespace; made at once, and removed by `close`."""

    def __init__(self) -> None:
        self._name = f"antiphon-{os.getpid()}"
        self._folder = tempfile.TemporaryDirectory()
        _run("ip", "netns", "add", self._name)
        _run(*self.prefix, "ip", "link", "set", "lo", "up")

    @property
    def prefix(self) -> tuple[str, ...]:
        """The beginning of a command that runs in the namespace."""
        return ("nsenter", f"--net=/run/netns/{self._name}")

    def program(self, path: str) -> str:
        """A script that runs the program in the namespace, for a caller that takes only a path."""
        script = Path(self._folder.name) / Path(path).name
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.prefix)} {path} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def block_udp(self) -> None:
        """Drop every datagram silently, as the firewalls of many offices do."""
        _run(*self.prefix, "nft", "-f", "-", text=WALL)

    def let_udp_through(self) -> None:
        _run(*self.prefix, "nft", "delete", "table", "inet", "wall")

    def close(self) -> None:
        _run("ip", "netns", "delete", self._name)
        self._folder.cleanup()


def _run(*command: str, text: str = "") -> None:
    subprocess.run(command, input=text, text=True, check=True, timeout=10)
