"""How many more calls two workers carry than one, on a machine of two cores.

    python -m bench.cluster.workers --calls 5,10 --seconds 20 --rounds 2

Calls come by WebRTC through a real door, with a real Redis. One worker alone, on core 0, has so many calls; then two
workers, on a core each, have so many each. The two are measured in turns, so that a machine that gets slower is no
difference between them. The models are `bench.provider` with its set delays.

On two cores the callers need a part of what the workers would have. So it is not counted how many calls fit, but what a
call costs: the CPU time of the workers' own processes, in ms for each second of each call. A worker carries as many
calls as its core has time for, so two carry 2 × (cost with one worker) ÷ (cost with two) times as many. The CPU time of
the door and of Redis is shown beside it: it is not on the workers' cores where there are more than two.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from redis.asyncio import Redis

from bench.capacity.__main__ import MODES
from bench.capacity.table import CALLER_LATE_MS
from bench.common.figures import known, quantile, show
from bench.common.processes import tree_usage, usage
from bench.common.servers import (
    OTHER_CORE,
    SERVER_CORE,
    antiphon_environment,
    expect_line,
    free_port,
    providing,
    running,
    wait_until_ready,
)
from server.cluster.announcement import Announcement
from server.cluster.roster import Roster

CORES = (SERVER_CORE, OTHER_CORE)
READY_S = 60.0
"""How long the workers may take until the door knows them."""


@dataclass(frozen=True, slots=True)
class WorkersRow:
    """One measurement. CPU is in ms for each second of each call of the worker, or of all calls; the rest in ms."""

    workers: int
    calls: int
    """Of all workers together."""
    shares: tuple[int, ...]
    """How many calls the door has given to each worker."""
    cpu: tuple[float, ...]
    """Of each worker, for each of its calls."""
    door_cpu: float
    redis_cpu: float
    gap_p50: float | None
    gap_p95: float | None
    unanswered: int
    caller_late_p99: float

    @property
    def cost(self) -> float:
        """What a call costs its worker."""
        spent = sum(cpu * share for cpu, share in zip(self.cpu, self.shares, strict=True))
        return spent / self.calls

    @property
    def valid(self) -> bool:
        """Whether the callers were in time. On a busy machine the gaps tell nothing, and the costs little."""
        return self.caller_late_p99 <= CALLER_LATE_MS


@dataclass(frozen=True, slots=True)
class Running:
    """A cluster that answers calls."""

    url: str
    store: str
    workers: tuple[int, ...]
    """The process ids."""
    door: int
    redis: int


@contextmanager
def cluster(workers: int, provider: str) -> Iterator[Running]:
    """So many workers on a core each, a door, and a Redis."""
    port, store = free_port(), free_port()
    url, address = f"http://127.0.0.1:{port}", f"redis://127.0.0.1:{store}"
    settings = antiphon_environment(provider) | {
        "ANTIPHON_STORE": address,
        "ANTIPHON_REMOTE_CANDIDATES": "local",
        "ANTIPHON_WORKER_HOST": "127.0.0.1",
        "ANTIPHON_DOORS": "127.0.0.1",
        "ANTIPHON_CALLERS_HALF_OPEN": "1000",
        "ANTIPHON_CALLERS_BURST": "1000",
    }
    with ExitStack() as stack:
        exec_redis = f"import os; os.execvp('redis-server', ['redis-server', '--port', '{store}', '--save', ''])"
        redis = stack.enter_context(running(OTHER_CORE, "-c", exec_redis))
        door = stack.enter_context(
            running(OTHER_CORE, "-m", "antiphon", "door", "--store", address, "--port", str(port))
        )
        started = [
            stack.enter_context(running(core, "-m", "antiphon", "serve", ANTIPHON_WORKER=f"w{core}", **settings))
            for core in CORES[:workers]
        ]
        wait_until_ready(url)
        _wait_until_known(address, workers)
        yield Running(url, address, tuple(each.pid for each in started), door.pid, redis.pid)


def _wait_until_known(store: str, workers: int) -> None:
    """Wait until all workers are ready, and the door knows them. Raises SystemExit."""
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        if [worker.state for worker in _present(store)] == ["ready"] * workers:
            time.sleep(2)  # the door reads the same list twice a second
            return
        time.sleep(0.2)
    raise SystemExit("the workers are not ready")


def _present(store: str) -> Sequence[Announcement]:
    """The workers, by their names."""

    async def present() -> Sequence[Announcement]:
        async with Redis.from_url(store, decode_responses=True) as redis:
            return await Roster(redis).present()

    return asyncio.run(present())


def measure(workers: int, calls: int, seconds: float, mode: str) -> WorkersRow:
    """Let `calls` calls for each worker go on for `seconds`."""
    speech_s, callers = MODES[mode]
    total = calls * workers
    arguments = ["--calls", str(total), "--seconds", str(seconds), *callers]
    with providing(speech_s) as provider, cluster(workers, provider) as here:
        with running(OTHER_CORE, "-m", "bench.capacity.crowd", here.url, *arguments) as crowd:
            assert crowd.stdout is not None
            expect_line(crowd.stdout.readline(), "begun")
            shares = tuple(worker.calls for worker in _present(here.store))
            before, start_s = _spent(here), time.perf_counter()
            expect_line(crowd.stdout.readline(), "done")
            after, end_s = _spent(here), time.perf_counter()
            found = json.loads(crowd.stdout.readline())
    spent = [1000 * (late - early) / (end_s - start_s) for early, late in zip(before, after, strict=True)]
    gaps, late = sorted(known(found["gaps_ms"])), sorted(known(found["caller_late_ms"]))
    return WorkersRow(
        workers=workers,
        calls=total,
        shares=shares,
        cpu=tuple(round(ms / max(share, 1), 2) for ms, share in zip(spent[2:], shares, strict=True)),
        door_cpu=round(spent[0] / total, 3),
        redis_cpu=round(spent[1] / total, 3),
        gap_p50=round(quantile(gaps, 0.5), 1) if gaps else None,
        gap_p95=round(quantile(gaps, 0.95), 1) if gaps else None,
        unanswered=found["gaps_ms"].count(None),
        caller_late_p99=round(quantile(late, 0.99), 2),
    )


def _spent(here: Running) -> list[float]:
    """The CPU seconds of the door with its HAProxy, of Redis, and of each worker."""
    return [tree_usage(here.door).cpu_s, usage(here.redis).cpu_s, *(usage(pid).cpu_s for pid in here.workers)]


def report(rows: list[WorkersRow]) -> dict[str, float]:
    """Show all rows, and how many times as many calls two workers carry. Returns that for each number of calls."""
    names = [name for name in WorkersRow.__slots__ if name != "cost"]
    show(
        "Workers",
        [*names, "cost", "void"],
        ([*(getattr(row, n) for n in names), round(row.cost, 2), "" if row.valid else "void"] for row in rows),
    )
    gains: dict[str, float] = {}
    for calls in dict.fromkeys(row.calls // row.workers for row in rows):
        alone, both = (
            statistics.median(row.cost for row in rows if row.workers == n and row.calls == n * calls) for n in (1, 2)
        )
        gains[str(calls)] = round(2 * alone / both, 3)
    show("Two workers carry", ("calls of each", "times as many as one"), gains.items())
    return gains


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster.workers", description="Two workers against one.")
    parser.add_argument("--calls", default="5,10", help="calls of each worker")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is measured")
    parser.add_argument("--rounds", type=int, default=2, help="how often one and two workers take turns")
    parser.add_argument("--mode", choices=MODES, default="brisk")
    given = parser.parse_args()
    rows = []
    for calls in map(int, given.calls.split(",")):
        for _ in range(given.rounds):
            for workers in (1, 2):
                rows.append(measure(workers, calls, given.seconds, given.mode))
                last = rows[-1]
                print(f"{workers} workers, {last.calls} calls: {last.cost:.2f} ms/s a call", file=sys.stderr)
    print(json.dumps({"rows": [asdict(row) for row in rows], "gains": report(rows)}))


if __name__ == "__main__":
    main()
