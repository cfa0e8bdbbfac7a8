"""Reads from Linux's /proc what a process and its children have used of the machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process or a whole tree has used: CPU time since each process began, and its memory and threads now.

    A page of memory that several processes share counts once for each of them.
    """

    cpu_s: float
    memory_mb: float
    threads: int


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    cpu_s: float
    memory_mb: float
    threads: int


def tree_usage(pid: int) -> Usage:
    """What a process and all processes below it have used. Raises ProcessLookupError when there is no such process."""
    tree = list(_tree(pid, {process.pid: process for process in _all()}))
    return Usage(
        sum(process.cpu_s for process in tree),
        sum(process.memory_mb for process in tree),
        sum(process.threads for process in tree),
    )


def usage(pid: int) -> Usage:
    """What a process has used, without its children. Raises ProcessLookupError when there is no such process."""
    try:
        process = _parsed(Path(f"/proc/{pid}/stat").read_text())
    except FileNotFoundError as exc:
        raise ProcessLookupError(f"there is no process {pid}") from exc
    return Usage(process.cpu_s, process.memory_mb, process.threads)


def _tree(pid: int, processes: dict[int, _Process]) -> Iterator[_Process]:
    if pid not in processes:
        raise ProcessLookupError(f"there is no process {pid}")
    yield processes[pid]
    for child in processes.values():
        if child.parent == pid:
            yield from _tree(child.pid, processes)


def _all() -> Iterator[_Process]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield _parsed(path.read_text())
        except OSError:  # the process has ended in the meantime
            continue


def _parsed(stat: str) -> _Process:
    """Parse /proc/PID/stat, see proc_pid_stat(5). The name in parentheses may hold any character, also parentheses."""
    pid, (_, _, rest) = int(stat.split(" ", 1)[0]), stat.rpartition(")")
    fields = rest.split()
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
    return _Process(pid, int(fields[1]), cpu_s, int(fields[21]) * _PAGE_BYTES / 2**20, int(fields[17]))
