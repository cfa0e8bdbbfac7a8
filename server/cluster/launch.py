"""Runs a command that ends when the process that started it ends: `python launch.py PARENT COMMAND…`.

Linux sends SIGTERM to the command when its parent is gone, so a server still drains, and its port is free for the next
one. This is a program of its own, because the same between fork and exec would be unsafe in a parent that has threads,
such as a worker of Ray. It imports nothing of Antiphon, and the command takes the place of this process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""See prctl(2)."""


def main() -> None:
    parent, *command = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # what a parent ignores, its children would ignore, too
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before the line above
        raise SystemExit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
