"""Runs a command in a network of its own that has nothing but a name server. It knows no name, and writes down each
name that it is asked for.

    unshare --net --mount sh -c SET_UP sh RESOLV_CONF python -m tests.alone NAMES COMMAND…

The command gets SIGTERM when this program gets it, and gives its exit code.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

ADDRESS = "127.0.0.1"
_SET_UP = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


def reason_against() -> str:
    """Why there can be no such network here; "" if there can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    missing = [tool for tool in ("unshare", "nsenter", "ip", "mount") if shutil.which(tool) is None]
    return f"no {', '.join(missing)} here" if missing else ""


class Alone:
    """Such a network, for one command. `asked` has the names that somebody in it has looked for."""

    def __init__(self, folder: Path) -> None:
        self._names = folder / "names"
        self._names.touch()
        resolv = folder / "resolv.conf"
        resolv.write_text(f"nameserver {ADDRESS}\n", encoding="utf-8")
        program = (sys.executable, "-m", "tests.alone", str(self._names))
        self.prefix = ("unshare", "--net", "--mount", "sh", "-c", _SET_UP, "sh", str(resolv), *program)
        """The beginning of the command. Its process is the one that `beside` needs."""

    @property
    def asked(self) -> list[str]:
        return self._names.read_text(encoding="utf-8").split()

    def beside(self, pid: int) -> tuple[str, ...]:
        """The beginning of another command in the same network, beside the process `pid`."""
        return ("nsenter", f"--net=/proc/{pid}/ns/net", f"--mount=/proc/{pid}/ns/mnt")


def main(names: Path, command: Sequence[str]) -> int:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((ADDRESS, 53))
    threading.Thread(target=_answer, args=(server, names), daemon=True).start()
    with subprocess.Popen(command) as process:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: process.send_signal(number))
        return process.wait()


def _answer(server: socket.socket, names: Path) -> None:
    while True:
        query, client = server.recvfrom(4096)
        with names.open("a", encoding="utf-8") as file:
            file.write(f"{_name(query)}\n")
        header = query[:2] + b"\x81\x83" + query[4:6] + bytes(6)  # RFC 1035, section 4.1.1: there is no such name
        server.sendto(header + query[12:], client)


def _name(query: bytes) -> str:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode(errors="replace"))
        at += 1 + length
    return ".".join(labels)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
