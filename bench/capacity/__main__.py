"""How many calls a core carries, beside a plain aiortc server that is measured in the same minutes.

    python -m bench.capacity --counts 1,5,10,20,40 --seconds 20

Each number of calls is measured in three modes, each time with a fresh server. In "conversing" the callers speak for
four seconds and listen to an answer of four. In "brisk" they ask a question of two seconds and hear an answer of 1.6
seconds. In "idle" they say nothing. The server has core 0 for itself; the callers and the provider have core 1. The
models are `bench.provider` with its set delays, so only the server's own work is measured.

With `--by telephone` the callers come by a telephone system that speaks Twilio's dialect, to Antiphon only. Messages
have no clock of their own, so the lateness of their sound means nothing.

With `--awake` the server's core never sleeps. A virtual machine counts the time that it takes to wake a sleeping core
as work of the process that is woken. A busy server has no such time, so `--awake` leaves it out.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from bench.capacity.table import PAIN_MS, CapacityRow, ServerUsage, calls_at_pain, capacity_row, cpu_slope
from bench.common.figures import show
from bench.common.processes import tree_usage, usage
from bench.common.sentences import QUESTION, STATEMENT
from bench.common.servers import OTHER_CORE, ROOT, SERVER_CORE, expect_line, providing, running, serving

MODES = {
    "conversing": (2.0, ["--say", STATEMENT, "--listen-s", "4.6"]),
    "brisk": (0.8, ["--say", QUESTION]),
    "idle": (2.0, ["--idle"]),
}
"""For each mode: how many seconds each of the two clauses of an answer sounds, and what the callers do."""
SLEEPLESS = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
"""A program that only runs when no other one wants to."""


def measure(server: str, mode: str, calls: int, seconds: float, tree: Path, by: str = "webrtc") -> CapacityRow:
    """Start a provider, a server and the callers, and measure for `seconds`."""
    speech_s, callers = MODES[mode]
    with providing(speech_s) as provider, serving(server, provider, tree) as (url, pid):
        empty = usage(pid)
        arguments = ["-m", "bench.capacity.crowd", url, "--calls", str(calls), "--seconds", str(seconds), "--by", by]
        with running(OTHER_CORE, *arguments, *callers) as crowd:
            assert crowd.stdout is not None
            expect_line(crowd.stdout.readline(), "begun")
            before, tree_before, start_s = usage(pid), tree_usage(pid), time.perf_counter()
            expect_line(crowd.stdout.readline(), "done")
            after, tree_after, end_s = usage(pid), tree_usage(pid), time.perf_counter()
            found = json.loads(crowd.stdout.readline())
    call_seconds = calls * (end_s - start_s)
    own = after.cpu_s - before.cpu_s
    children = tree_after.cpu_s - tree_before.cpu_s - own
    used = ServerUsage(1000 * own / call_seconds, 1000 * children / call_seconds, empty, after)
    return capacity_row(server, mode, calls, used, found)


def report(rows: Sequence[CapacityRow]) -> dict[str, dict[str, float | None]]:
    """Show a table for each server and mode, and a summary, which is also returned. It leaves out void rows."""
    names = [name for name in CapacityRow.__slots__ if name not in ("server", "mode")]
    summary: dict[str, dict[str, float | None]] = {}
    for server in dict.fromkeys(row.server for row in rows):
        for mode in MODES:
            found = [row for row in rows if (row.server, row.mode) == (server, mode)]
            title = f"{server}, {mode}"
            if found:
                show(title, [*names, "void"], ([*(getattr(row, n) for n in names), _void(row)] for row in found))
                valid = [row for row in found if row.valid]
                summary[title] = {"cpu_slope": cpu_slope(valid), "calls_at_pain": calls_at_pain(valid)}
    show(
        "Summary",
        ("", "CPU ms/s, one call more", f"calls at a gap p95 of {PAIN_MS:g} ms"),
        ((title, found["cpu_slope"], found["calls_at_pain"]) for title, found in summary.items()),
    )
    return summary


def _void(row: CapacityRow) -> str:
    return "" if row.valid else "void"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description="How many calls a core carries.")
    parser.add_argument("--counts", default="1,5,10,20,40", help="calls at a time")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each count is measured")
    parser.add_argument("--servers", default="antiphon,plain aiortc")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--by", default="webrtc", help="webrtc, or telephone: Twilio's dialect (Antiphon only)")
    parser.add_argument("--awake", action="store_true", help="keep the server's core from sleeping")
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout of Antiphon to measure")
    given = parser.parse_args()
    rows = []
    with running(SERVER_CORE, "-c", SLEEPLESS) if given.awake else nullcontext():
        for calls in map(int, given.counts.split(",")):
            for mode in given.modes.split(","):
                for server in given.servers.split(","):
                    rows.append(measure(server, mode, calls, given.seconds, given.tree, given.by))
                    last = rows[-1]
                    print(f"{server}, {mode}, {calls} calls: CPU {last.cpu} ms/s {_void(last)}", file=sys.stderr)
    print(json.dumps({"rows": [asdict(row) for row in rows], "summary": report(rows)}))


if __name__ == "__main__":
    main()
