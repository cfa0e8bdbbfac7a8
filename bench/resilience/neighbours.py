"""Do clients that behave badly cost the other calls anything? Measures good calls alone and beside bad ones, by turns.

    python -m bench.resilience.neighbours --rounds 3 --seconds 40

Four WebRTC callers of `bench.capacity.crowd` ask their questions, alone and beside `bench.resilience.bad_neighbours`,
which are four clients that never read and four that flood. One server has core 0 for all of them; the clients and the
provider have core 1. What counts is the gap: its p95 shall be at most 10 % longer beside the bad clients.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from subprocess import Popen

from bench.capacity.table import CALLER_LATE_MS
from bench.common.figures import known, quantile, show
from bench.common.processes import usage
from bench.common.servers import OTHER_CORE, expect_line, providing, running, serving

ALLOWED = 1.1
"""How much longer the p95 of the gap may be beside bad clients, as a ratio."""
CLAUSE_S = 0.8
"""How long each of the two clauses of an answer sounds, as in the mode "brisk" of `bench.capacity`."""


@dataclass(frozen=True, slots=True)
class Period:
    """Good calls, measured for a while. Gaps and lateness are in ms; the server's CPU is in percent of its core."""

    beside: bool
    """Whether there were bad clients."""
    gaps_ms: tuple[float, ...]
    unanswered: int
    late_p99: float
    cpu: float
    caller_late_p99: float
    """How late the callers' own process was. If it is more than CALLER_LATE_MS, the period does not count."""

    @property
    def valid(self) -> bool:
        return self.caller_late_p99 <= CALLER_LATE_MS


def period(beside: bool, found: dict[str, list[float | None]], cpu: float) -> Period:
    """Sum up one period; `found` is what `bench.capacity.crowd` prints."""
    late, own_late = (sorted(known(found[name])) for name in ("lateness_ms", "caller_late_ms"))
    return Period(
        beside=beside,
        gaps_ms=tuple(round(gap, 1) for gap in known(found["gaps_ms"])),
        unanswered=found["gaps_ms"].count(None),
        late_p99=round(quantile(late, 0.99), 2),
        cpu=round(cpu, 1),
        caller_late_p99=round(quantile(own_late, 0.99), 2),
    )


def measure(url: str, pid: int, beside: bool, given: argparse.Namespace) -> tuple[Period, dict[str, int]]:
    """Measure one period, and return what the bad clients have counted, if there were any."""
    bad = [
        "-m",
        "bench.resilience.bad_neighbours",
        url,
        "--readers",
        str(given.readers),
        "--writers",
        str(given.writers),
    ]
    good = ["-m", "bench.capacity.crowd", url, "--calls", str(given.calls), "--seconds", str(given.seconds)]
    neighbours: AbstractContextManager[Popen[str] | None] = running(OTHER_CORE, *bad) if beside else nullcontext()
    with neighbours as process:
        if process is not None:
            assert process.stdout is not None
            expect_line(process.stdout.readline(), "begun")
        with running(OTHER_CORE, *good) as crowd:
            assert crowd.stdout is not None
            expect_line(crowd.stdout.readline(), "begun")
            before_s = usage(pid).cpu_s
            expect_line(crowd.stdout.readline(), "done")
            cpu_s = usage(pid).cpu_s - before_s
            found = json.loads(crowd.stdout.readline())
        return period(beside, found, 100 * cpu_s / given.seconds), _ended(process)


def _ended(neighbours: Popen[str] | None) -> dict[str, int]:
    """End the bad clients; what they have counted."""
    if neighbours is None:
        return {}
    assert neighbours.stdout is not None
    neighbours.send_signal(signal.SIGTERM)
    counts: dict[str, int] = json.loads(neighbours.stdout.readline())
    return counts


def summary(periods: Sequence[Period]) -> dict[str, object]:
    """The gaps of all valid periods alone, of all valid periods beside bad clients, and the ratio of the two p95."""
    found: dict[str, object] = {}
    p95 = []
    for name, beside in (("alone", False), ("beside", True)):
        gaps = sorted(gap for period in periods if period.valid and period.beside is beside for gap in period.gaps_ms)
        if not gaps:
            return {"ratio": None, "unchanged": None}
        p95.append(quantile(gaps, 0.95))
        found[name] = {"count": len(gaps), "p50": round(quantile(gaps, 0.5), 1), "p95": round(p95[-1], 1)}
    ratio = p95[1] / p95[0]
    return found | {"ratio": round(ratio, 3), "unchanged": ratio <= ALLOWED}


def report(periods: Sequence[Period], found: dict[str, object]) -> None:
    """Show the periods and their summary as tables."""
    header = ("", "gaps", "p50", "p95", "unanswered", "late p99", "CPU %", "caller late p99", "")
    show("Good calls, gap in ms", header, map(_row, periods))
    sums = ((name, *value.values()) for name, value in found.items() if isinstance(value, dict))
    show("All of each", ("", "count", "p50", "p95"), sums)
    show("p95 beside, of that alone", ("", ""), [("ratio", str(found["ratio"])), ("unchanged", found["unchanged"])])


def _row(period: Period) -> tuple[object, ...]:
    gaps = sorted(period.gaps_ms)
    p50, p95 = (round(quantile(gaps, share), 1) if gaps else None for share in (0.5, 0.95))
    name, void = "beside" if period.beside else "alone", "" if period.valid else "void"
    return (name, len(gaps), p50, p95, period.unanswered, period.late_p99, period.cpu, period.caller_late_p99, void)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.resilience.neighbours", description="What bad clients cost the other calls."
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often alone and beside are measured")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each period is measured")
    parser.add_argument("--calls", type=int, default=4, help="how many good callers there are")
    parser.add_argument("--readers", type=int, default=4, help="bad clients that never read")
    parser.add_argument("--writers", type=int, default=4, help="bad clients that flood")
    given = parser.parse_args()
    periods, counts = [], []
    with providing(CLAUSE_S) as provider, serving("antiphon", provider) as (url, pid):
        for beside in (False, True) * given.rounds:
            found, counted = measure(url, pid, beside, given)
            periods.append(found)
            counts.append(counted)
            print(*_row(found), counted, file=sys.stderr)
    whole = summary(periods)
    report(periods, whole)
    print(json.dumps({"parts": [asdict(period) for period in periods], "neighbours": counts, "summary": whole}))


if __name__ == "__main__":
    main()
